#include "keep.h"

#include <stdlib.h>

bool search_keep(const search *s, kept *k) {
  const arena *a = &s->tree.blocks;
  size_t used = arena_used(a), top = a->size - a->high;
  *k = (kept){.settled_depth = s->settled_depth};
  if (!s->bellman) return true;
  if (!tree_has_room(&s->tree, used, 0)) return false;
  k->bytes = malloc(used);
  if (!k->bytes) return false;
  memcpy(k->bytes, a->base, a->low);
  memcpy(k->bytes + a->low, a->base + a->high, top);
  return true;
}

void search_put_back(search *s, kept *k) {
  const arena *a = &s->tree.blocks;
  if (!k->bytes) return;
  memcpy(a->base, k->bytes, a->low);
  memcpy(a->base + a->high, k->bytes + a->low, a->size - a->high);
  s->settled_depth = k->settled_depth;
  free(k->bytes);
  *k = (kept){0};
}
