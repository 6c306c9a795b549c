/* PCG64 against numbers that NumPy draws: from the words of SeedSequence(seed), and raw ones, those
 * of random() and those of gumbel() of default_rng(seed). */
#include "check.h"
#include "pcg64.h"

typedef struct {
  uint64_t words[4], raw[3];
  double uniform[3], gumbel[3];
} drawn;

static const drawn CASES[] = {
    /* seed 0 */
    {{UINT64_C(0xdb2cd7e7b0f478be), UINT64_C(0xabf4641a2c71ba49), UINT64_C(0x20c6ed6d9d7b8d41),
      UINT64_C(0x2c4099de223c39d4)},
     {UINT64_C(0xa30febcfd9c2825f), UINT64_C(0x4510bdf882d9d721), UINT64_C(0x0a7d3da94ecde8b8)},
     {0x1.461fd79fb3850p-1, 0x1.1442f7e20b674p-2, 0x1.4fa7b529d9bd0p-5},
     {-0x1.af3984498bac6p-7, 0x1.28331e745e8c5p+0, 0x1.964519f796aa7p+1}},
    /* seed 1 */
    {{UINT64_C(0x672d8ee56d6791ff), UINT64_C(0x8ae19ca14eb1072c), UINT64_C(0x4915796d1322fc4a),
      UINT64_C(0xd0cc2bdcaba049bd)},
     {UINT64_C(0x8306bdf37922e4ff), UINT64_C(0xf35196bbc152a866), UINT64_C(0x24e7a4f608ec18cd)},
     {0x1.060d7be6f245cp-1, 0x1.e6a32d7782a55p-1, 0x1.273d27b04760cp-3},
     {0x1.548eb6618c8aep-2, -0x1.19acde9d8f30bp+0, 0x1.dc297c1e5fab2p+0}},
    /* seed 2**64 - 1 */
    {{UINT64_C(0xaebca151928cad0d), UINT64_C(0x119c30448638dc7a), UINT64_C(0x1bbb155659e642a7),
      UINT64_C(0xa76b11e3e8c4a8f6)},
     {UINT64_C(0xae163a7a8c47568f), UINT64_C(0xd86659f5f3382359), UINT64_C(0x01e52b195bc2d24a)},
     {0x1.5c2c74f5188eap-1, 0x1.b0ccb3ebe6704p-1, 0x1.e52b195bc2d00p-8},
     {-0x1.0b7aab40ea521p-3, -0x1.3f7a764d6bdb0p-1, 0x1.39bcc2416bc35p+2}},
};

int main(void) {
  for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
    const drawn *due = &CASES[c];
    pcg64 raw = pcg64_of(due->words), uniform = raw, gumbel = raw;
    for (int i = 0; i < 3; i++) {
      CHECK(pcg64_next_uint64(&raw) == due->raw[i]);
      CHECK(pcg64_next_double(&uniform) == due->uniform[i]);
      /* By the logarithms of this machine. */
      CHECK(fabs(pcg64_next_gumbel(&gumbel) - due->gumbel[i]) <= 1e-14);
    }
  }
  return 0;
}
