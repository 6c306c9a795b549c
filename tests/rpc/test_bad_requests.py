"""Every kind of bad input: its status, the field, the value and what would be right.

After each the server must still serve.
"""

import struct

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from served_models import FAULTS, Faulty

from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Action,
    ActionSet,
    Budget,
    GetModelRequest,
    PlanRequest,
    SearchOptions,
    State,
    Tensor,
)


@pytest.fixture(autouse=True)
def goes_on_serving(served):
    """Whatever a test sent, the next caller gets a plan."""
    yield
    assert served.plan().simulations == 100


def violations_of(error):
    """{field: description} of the BadRequest that goes with a status."""
    found = error_details_pb2.BadRequest()
    assert rpc_status.from_call(error).details[0].Unpack(found)
    return {violation.field: violation.description for violation in found.field_violations}


def assert_violation(error, field, description):
    """INVALID_ARGUMENT over one field, in the text and in the details."""
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error.details()
    assert error.details().startswith(f"{field}: {description}")
    assert list(violations_of(error)) == [field]


def json_state(text):
    return State(json=Parse(text, Value()))


def tensor(dtype="INT8", shape=(3, 3), data=bytes(9)):
    dtype = planner_pb2.Dtype.Value(f"DTYPE_{dtype}") if isinstance(dtype, str) else dtype
    return State(tensor=Tensor(dtype=dtype, shape=shape, data=data))


# ---- the model --------------------------------------------------------------------------


def test_an_unknown_model_is_not_found_and_the_known_ones_are_listed(served):
    error = served.error("connect_five")
    assert error.code() is grpc.StatusCode.NOT_FOUND
    names = ", ".join(entry.name for entry in served.registry.entries)
    assert error.details() == f"model: 'connect_five' is not known; known models: {names}"


def test_a_missing_model_is_named(served):
    assert_violation(served.error(""), "model", "is empty; must be one of acrobot, ")


def test_an_unknown_version_is_not_found(served):
    error = served.error("taxi", model_version="99")
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "model: 'taxi@99' is not known; known models: taxi@1"


def test_get_model_answers_the_same(served):
    with pytest.raises(grpc.RpcError) as caught:
        served.stub.GetModel(GetModelRequest(model="taxy"), timeout=60)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "taxi" in caught.value.details()


# ---- the state --------------------------------------------------------------------------


def test_an_empty_request_is_told_what_is_missing(served):
    with pytest.raises(grpc.RpcError) as caught:
        served.stub.Plan(PlanRequest(model="corridor"), timeout=60)
    assert_violation(caught.value, "state", "is missing; model corridor takes discrete, an integer")


FROZEN_LAKE = "model frozen_lake_4x4 takes discrete, an integer from 0 to 15"


@pytest.mark.parametrize(
    ("model", "state", "field", "description"),
    [
        ("frozen_lake_4x4", State(), "state", f"is missing; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", tensor(), "state", f"is tensor; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", State(opaque=b"\0"), "state", f"is opaque; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", State(discrete=16), "state.discrete", f"is 16; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", State(discrete=-1), "state.discrete", f"is -1; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", State(discrete=2**62), "state.discrete", f"is {2**62}; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", json_state('"3"'), "state.json", f"is '3'; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", json_state("3.5"), "state.json", "has 3.5, which is not an integer"),
        ("frozen_lake_4x4", json_state("null"), "state.json", f"is None; {FROZEN_LAKE}"),
        ("frozen_lake_4x4", State(json=Value()), "state.json", "is empty; must be a value of JSON"),
        ("tic_tac_toe", State(discrete=1), "state",
         "is discrete; model tic_tac_toe takes tensor, int8[3,3]"),
        ("tic_tac_toe", tensor("FLOAT32"), "state.tensor.dtype",
         "is DTYPE_FLOAT32; must be DTYPE_INT8"),
        ("tic_tac_toe", tensor(0), "state.tensor.dtype",
         "is DTYPE_UNSPECIFIED; must be DTYPE_INT8"),
        ("tic_tac_toe", tensor(77), "state.tensor.dtype", "is 77; must be DTYPE_INT8"),
        ("tic_tac_toe", tensor(shape=(9,)), "state.tensor.shape", "is [9]; must be [3, 3]"),
        ("tic_tac_toe", tensor(shape=(-3, -3)), "state.tensor.shape",
         "is [-3, -3]; must be [3, 3]"),
        ("tic_tac_toe", tensor(shape=[1] * 10**5), "state.tensor.shape",
         "is [1, 1, 1]; must be [3, 3]"),
        ("tic_tac_toe", tensor(data=bytes(8)), "state.tensor.data",
         "has 8 bytes; DTYPE_INT8 of shape [3, 3] has 9"),
        ("tic_tac_toe", tensor(data=b"\x07" + bytes(8)), "state", ""),
        ("tic_tac_toe", tensor(data=b"\x01\x01\x01" + bytes(6)), "state", ""),
        ("tic_tac_toe", json_state('"1x"'), "state.json", "is '1x': move 2"),
        ("tic_tac_toe", json_state("[[0, 0], [0, 0]]"), "state.json",
         "has a list of 2 where 3 belong; model tic_tac_toe takes tensor, int8[3,3]"),
        ("cart_pole", tensor("FLOAT64", (4,), struct.pack("<4d", 0, 0, float("nan"), 0)),
         "state.tensor.data", "has nan at [2]; every element must be finite"),
        ("cart_pole", tensor("FLOAT64", (4,), struct.pack("<4d", float("inf"), 0, 0, 0)),
         "state.tensor.data", "has inf at [0]; every element must be finite"),
        ("cart_pole", State(json=Value(number_value=float("nan"))), "state.json",
         "is nan; must be a finite number"),
        ("cart_pole", json_state("[0, 0, 0]"), "state.json", "has a list of 3 where 4 belong"),
        ("panel", State(opaque=b"\x09"), "state.opaque", "is b'\\t'; a switch is 0, 1 or 2"),
        ("panel", State(discrete=1), "state", "is discrete; model panel takes opaque, bytes"),
        ("grid", State(discrete=1), "state", "is discrete; model grid takes json, a value of JSON"),
        ("point", json_state("[0]"), "state.json", "has a list of 1 where 2 belong"),
    ],
)  # fmt: skip
def test_a_state_that_is_none_names_the_field_the_value_and_what_would_be_right(
    served, model, state, field, description
):
    assert_violation(served.error(model, state), field, description)


@pytest.mark.parametrize(
    ("model", "state"),
    [
        ("frozen_lake_4x4", State(discrete=15)),
        ("tic_tac_toe", json_state("[[1, 1, 1], [-1, -1, 0], [0, 0, 0]]")),
        ("corridor", State(discrete=9)),
    ],
)
def test_a_terminal_state_leaves_nothing_to_plan(served, model, state):
    error = served.error(model, state)
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details().startswith("state: is terminal")


# ---- the budget -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "field", "description"),
    [
        (Budget(simulations=0), "budget.simulations", "is 0; must be an integer from 1 to"),
        (Budget(simulations=-5), "budget.simulations", "is -5; must be an integer from 1 to"),
        (Budget(time_limit=Duration()), "budget.time_limit", "is 0 seconds; must be above zero"),
        (Budget(time_limit=Duration(seconds=-1)), "budget.time_limit", "is -1 seconds; must be"),
        (Budget(time_limit=Duration(nanos=-1)), "budget.time_limit", "is -1e-09 seconds; must be"),
        (Budget(time_limit=Duration(seconds=1, nanos=-1)), "budget.time_limit",
         "has 1 seconds and -1 nanos; must have one sign"),
        (Budget(time_limit=Duration(nanos=10**9)), "budget.time_limit",
         "has 1000000000 nanos; must be from -999999999 to 999999999"),
        (Budget(max_bytes=0), "budget.max_bytes", "is 0; must be an integer from 65536"),
        (Budget(max_bytes=-1), "budget.max_bytes", "is -1; must be an integer from 65536"),
    ],
)  # fmt: skip
def test_a_budget_that_no_search_can_have_is_the_callers_mistake(
    served, budget, field, description
):
    assert_violation(served.error(budget=budget), field, description)


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (Budget(simulations=2**62),
         f"budget.simulations: is {2**62}; at most 10000000 is allowed"),
        (Budget(time_limit=Duration(seconds=10**11)),
         "budget.time_limit: is 100000000000.0 seconds; at most 60 seconds is allowed"),
        (Budget(max_bytes=2**62),
         f"budget.max_bytes: is {2**62}; at most 1073741824 is allowed"),
    ],
)  # fmt: skip
def test_a_huge_budget_is_told_the_greatest(served, budget, text):
    error = served.error(budget=budget)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == text


# ---- allowed actions --------------------------------------------------------------------

CORRIDOR = "model corridor takes discrete, an integer from 0 to 1"


@pytest.mark.parametrize(
    ("actions", "field", "description"),
    [
        ([], "allowed_actions", "is empty; must name at least one action"),
        ([Action(discrete=2)], "allowed_actions.actions[0].discrete", f"is 2; {CORRIDOR}"),
        ([Action(discrete=0), Action(discrete=-1)], "allowed_actions.actions[1].discrete",
         f"is -1; {CORRIDOR}"),
        ([Action(discrete=1), Action(discrete=1)], "allowed_actions.actions[1]",
         "repeats action 1 of actions[0]"),
        ([Action(discrete=1)] * 10**5, "allowed_actions",
         "has 100000 actions; model corridor has 2"),
        ([Action()], "allowed_actions.actions[0]", f"is empty; {CORRIDOR}"),
        ([Action(opaque=b"1")], "allowed_actions.actions[0]", f"is opaque; {CORRIDOR}"),
        ([Action(json=Value(number_value=0.5))], "allowed_actions.actions[0].json",
         f"is 0.5; {CORRIDOR}"),
        ([Action(json=Value(string_value="up"))], "allowed_actions.actions[0].json",
         f"is 'up'; {CORRIDOR}"),
        ([Action(json=Value(bool_value=True))], "allowed_actions.actions[0].json",
         f"is True; {CORRIDOR}"),
    ],
)  # fmt: skip
def test_allowed_actions_that_are_none_are_named(served, actions, field, description):
    error = served.error(allowed_actions=ActionSet(actions=actions))
    assert_violation(error, field, description)


def test_allowed_actions_of_which_none_is_legal_leave_nothing_to_plan(served):
    state = json_state('"5"')
    actions = ActionSet(actions=[Action(discrete=4)])
    error = served.error("tic_tac_toe", state, allowed_actions=actions)
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION


# ---- the rest of the request ------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field", "description"),
    [
        ({"horizon": 0}, "horizon", "is 0; must be an integer from 1 to 2147483647"),
        ({"horizon": -3}, "horizon", "is -3; must be"),
        ({"options": SearchOptions(exploration=-1)}, "options.exploration",
         "is -1.0; must be a finite number >= 0"),
        ({"options": SearchOptions(exploration=float("nan"))}, "options.exploration", "is nan"),
        ({"options": SearchOptions(max_depth=0)}, "options.max_depth",
         "is 0; must be an integer from 1 to 65535"),
        ({"options": SearchOptions(evaluation=9)}, "options.evaluation",
         "is 9; must be one of EVALUATION_AUTO, EVALUATION_ROLLOUT, EVALUATION_VALUE, "
         "EVALUATION_TRIAL, EVALUATION_MIXED, EVALUATION_CONSTANT"),
        ({"options": SearchOptions(evaluation=-1)}, "options.evaluation", "is -1; must be one of"),
        ({"options": SearchOptions(backup=6)}, "options.backup",
         "is 6; must be one of BACKUP_AUTO, BACKUP_MEAN, BACKUP_BELLMAN, BACKUP_MAX, BACKUP_SOFT"),
        ({"options": SearchOptions(selection=8)}, "options.selection",
         "is 8; must be one of SELECTION_AUTO, SELECTION_UCB1, SELECTION_UCB1_TUNED, "
         "SELECTION_PUCT, SELECTION_GUMBEL, SELECTION_THOMPSON, SELECTION_MENTS"),
        ({"options": SearchOptions(rollout=4)}, "options.rollout",
         "is 4; must be one of ROLLOUT_MODEL, ROLLOUT_RANDOM, ROLLOUT_DECISIVE"),
        ({"options": SearchOptions(recommendation=5)}, "options.recommendation",
         "is 5; must be one of RECOMMENDATION_AUTO, RECOMMENDATION_VISITS, RECOMMENDATION_VALUE, "
         "RECOMMENDATION_LOWER_BOUND"),
        ({"options": SearchOptions(soft_temperature=0)}, "options.soft_temperature",
         "is 0; must be above 0"),
        ({"options": SearchOptions(considered_actions=0)}, "options.considered_actions",
         "is 0; must be an integer from 1 to 65536"),
        ({"options": SearchOptions(root_noise=1.5)}, "options.root_noise",
         "is 1.5; must be a number from 0 to 1"),
        ({"options": SearchOptions(root_noise_concentration=-1)},
         "options.root_noise_concentration", "is -1.0; must be a finite number >= 0"),
        ({"options": SearchOptions(action_widening=-1)}, "options.action_widening", "is -1.0; "),
        ({"options": SearchOptions(outcome_widening=float("inf"))}, "options.outcome_widening",
         "is inf; must be a finite number >= 0"),
        ({"options": SearchOptions(widening_exponent=2)}, "options.widening_exponent", "is 2.0; "),
        ({"options": SearchOptions(value_weight=-1)}, "options.value_weight", "is -1.0; must be"),
        ({"options": SearchOptions(leaf_value=float("nan"))}, "options.leaf_value", "is nan; must"),
        ({"options": SearchOptions(rollout_depth=0)}, "options.rollout_depth",
         "is 0; must be an integer from 1 to 65535"),
        ({"options": SearchOptions(temperature=-1)}, "options.temperature", "is -1.0; must be"),
        ({"options": SearchOptions(discount=1.5)}, "options.discount", "is 1.5; must be"),
        ({"options": SearchOptions(sharing=5)}, "options.sharing",
         "is 5; must be one of SHARING_AUTO, SHARING_NONE, SHARING_DEPTH, SHARING_STATE"),
        ({"options": SearchOptions(preset="grahp")}, "options.preset",
         "is 'grahp'; must be one of auto, dp_uct, graph, gumbel, max_uct, ments, open_loop, "
         "pomcp, puct, uct"),
        ({"options": SearchOptions(outcome_key=5)}, "options.outcome_key",
         "is 5; must be one of OUTCOME_KEY_AUTO, OUTCOME_KEY_STATE, OUTCOME_KEY_OBSERVATION, "
         "OUTCOME_KEY_NONE"),
        ({"options": SearchOptions(in_flight=0)}, "options.in_flight",
         "is 0; must be an integer from 1 to 4096"),
        ({"options": SearchOptions(sharing=4, outcome_key=4)}, "options.sharing",
         "is 'state', which joins equal states"),
        ({"options": SearchOptions(preset="Graph")}, "options.preset", "is 'Graph'; must be"),
        ({"options": SearchOptions(preset="x" * 10**5)}, "options.preset", "is 'xxx"),
        ({"request_id": "x" * 300}, "request_id", "has 300 characters; at most 256 are kept"),
        ({"priority": 101}, "priority", "is 101; must be an integer from -100 to 100"),
        ({"priority": -(2**31)}, "priority", "is -2147483648; must be an integer from -100 to"),
        ({"session_id": "x" * 300}, "session_id", "has 300 characters; at most 256 are kept"),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(served, fields, field, description):
    assert_violation(served.error(**fields), field, description)


@pytest.mark.parametrize(
    ("model", "options", "field", "description"),
    [
        ("corridor", SearchOptions(evaluation="EVALUATION_VALUE"), "options.evaluation",
         "is value, which asks for values, and the model has no value(state)"),
        ("taxi", SearchOptions(evaluation="EVALUATION_VALUE"), "options.evaluation",
         "is value, which asks for values, and the model has no value(state)"),
        ("taxi", SearchOptions(evaluation="EVALUATION_TRIAL", backup="BACKUP_MEAN"),
         "options.evaluation",
         "is 'trial', which learns by Bellman backups alone"),
        ("taxi", SearchOptions(preset="graph", backup="BACKUP_MEAN"), "options.evaluation",
         "is 'trial', which learns by Bellman backups alone"),
        ("taxi", SearchOptions(preset="uct", evaluation="EVALUATION_TRIAL"), "options.evaluation",
         "is 'trial', which learns by Bellman backups alone"),
        ("taxi", SearchOptions(preset="ments", backup="BACKUP_MEAN"), "options.selection",
         "is 'ments', which needs soft values, and backup is 'mean'"),
        ("taxi", SearchOptions(selection="SELECTION_THOMPSON", backup="BACKUP_MAX"),
         "options.selection", "is 'thompson', which needs the spread of returns"),
        ("taxi", SearchOptions(preset="pomcp", selection="SELECTION_PUCT"), "options.selection",
         "is 'puct', whose priors are those of a state"),
        ("taxi", SearchOptions(preset="open_loop", action_widening=2), "options.action_widening",
         "is 2.0; with the outcome_key 'none'"),
        ("taxi", SearchOptions(recommendation="RECOMMENDATION_LOWER_BOUND", preset="max_uct"),
         "options.recommendation", "is 'lower_bound', which needs standard errors"),
        ("taxi", SearchOptions(recommendation="RECOMMENDATION_VALUE", temperature=1),
         "options.temperature", "is 1.0, which weighs visits"),
        ("taxi", SearchOptions(preset="uct", root_noise=0.25), "options.root_noise",
         "is 0.25, which is mixed into priors"),
        ("connect_four", SearchOptions(backup="BACKUP_BELLMAN"), "options.backup",
         "is bellman, which needs a single player"),
        ("tic_tac_toe", SearchOptions(preset="graph"), "options.backup",
         "is bellman, which needs a single player"),
        ("tic_tac_toe", SearchOptions(preset="dp_uct"), "options.backup",
         "is bellman, which needs a single player"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_with_each_other_or_the_model_are_the_callers_mistake(
    served, model, options, field, description
):
    state = State(discrete=4) if model == "corridor" else None
    state = state or served.stub.GetModel(GetModelRequest(model=model)).state_spec.example
    assert_violation(served.error(model, state, options=options), field, description)


def test_every_wrong_field_is_told_at_once(served):
    error = served.error(
        "frozen_lake_4x4",
        State(discrete=99),
        budget=Budget(simulations=0),
        horizon=0,
        options=SearchOptions(exploration=-1, max_depth=0, backup=9, sharing=9, preset="best"),
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert set(violations_of(error)) == {
        "state.discrete",
        "budget.simulations",
        "horizon",
        "options.exploration",
        "options.max_depth",
        "options.backup",
        "options.sharing",
        "options.preset",
    }


def test_a_status_too_long_to_send_is_cut_and_still_understood(served):
    actions = ActionSet(actions=[Action(json=Value(string_value="é" * 80))] * 7)
    error = served.error("connect_four", json_state('""'), allowed_actions=actions)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().endswith("...")
    assert next(iter(violations_of(error))) == "allowed_actions.actions[0].json"


def test_unknown_fields_of_a_later_contract_are_passed_over(served):
    request = PlanRequest(model="corridor", state=State(discrete=4)).SerializeToString()
    later = request + b"\xfa\x7f\x03abc"
    plan = served.channel.unary_unary("/mcts_service.v1.PlannerService/Plan")
    answer = planner_pb2.PlanResponse.FromString(plan(later, timeout=60))
    assert answer.simulations == 200


# ---- the model's faults -----------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_breaks_its_contract_shows_an_id_and_nothing_of_itself(served, fault, caplog):
    error = served.error(f"faulty_{fault.replace(' ', '_').lower()}")
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details().startswith("internal error ")
    assert Faulty.SECRET not in error.details()
    assert "grpc-status-details-bin" not in dict(error.trailing_metadata())
    identity = error.details().split()[2].strip(";:")
    (record,) = [record for record in caplog.records if record.name == "mcts_service"]
    assert identity in record.getMessage()
    assert record.exc_info is not None
