from mcts_service.v1 import planner_pb2 as _planner_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ("protocol_version",)
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    def __init__(self, protocol_version: _Optional[int] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("protocol_version", "model_version", "description", "state_spec", "max_state_bytes", "num_actions", "action_description", "num_players", "discount", "deterministic", "continuing", "return_bounds", "horizon", "default_simulations", "has_legal", "has_terminal", "has_players", "has_values", "has_priors", "has_keys", "validates_states", "calls_at_once", "max_rows", "continues_streams")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATE_SPEC_FIELD_NUMBER: _ClassVar[int]
    MAX_STATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    ACTION_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    NUM_PLAYERS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    CONTINUING_FIELD_NUMBER: _ClassVar[int]
    RETURN_BOUNDS_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_SIMULATIONS_FIELD_NUMBER: _ClassVar[int]
    HAS_LEGAL_FIELD_NUMBER: _ClassVar[int]
    HAS_TERMINAL_FIELD_NUMBER: _ClassVar[int]
    HAS_PLAYERS_FIELD_NUMBER: _ClassVar[int]
    HAS_VALUES_FIELD_NUMBER: _ClassVar[int]
    HAS_PRIORS_FIELD_NUMBER: _ClassVar[int]
    HAS_KEYS_FIELD_NUMBER: _ClassVar[int]
    VALIDATES_STATES_FIELD_NUMBER: _ClassVar[int]
    CALLS_AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_STREAMS_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    model_version: str
    description: str
    state_spec: _planner_pb2.StateSpec
    max_state_bytes: int
    num_actions: int
    action_description: str
    num_players: int
    discount: float
    deterministic: bool
    continuing: bool
    return_bounds: ReturnBounds
    horizon: int
    default_simulations: int
    has_legal: bool
    has_terminal: bool
    has_players: bool
    has_values: bool
    has_priors: bool
    has_keys: bool
    validates_states: bool
    calls_at_once: int
    max_rows: int
    continues_streams: bool
    def __init__(self, protocol_version: _Optional[int] = ..., model_version: _Optional[str] = ..., description: _Optional[str] = ..., state_spec: _Optional[_Union[_planner_pb2.StateSpec, _Mapping]] = ..., max_state_bytes: _Optional[int] = ..., num_actions: _Optional[int] = ..., action_description: _Optional[str] = ..., num_players: _Optional[int] = ..., discount: _Optional[float] = ..., deterministic: bool = ..., continuing: bool = ..., return_bounds: _Optional[_Union[ReturnBounds, _Mapping]] = ..., horizon: _Optional[int] = ..., default_simulations: _Optional[int] = ..., has_legal: bool = ..., has_terminal: bool = ..., has_players: bool = ..., has_values: bool = ..., has_priors: bool = ..., has_keys: bool = ..., validates_states: bool = ..., calls_at_once: _Optional[int] = ..., max_rows: _Optional[int] = ..., continues_streams: bool = ...) -> None: ...

class ReturnBounds(_message.Message):
    __slots__ = ("least", "greatest")
    LEAST_FIELD_NUMBER: _ClassVar[int]
    GREATEST_FIELD_NUMBER: _ClassVar[int]
    least: float
    greatest: float
    def __init__(self, least: _Optional[float] = ..., greatest: _Optional[float] = ...) -> None: ...

class StateRows(_message.Message):
    __slots__ = ("tensor", "discrete", "opaque")
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    DISCRETE_FIELD_NUMBER: _ClassVar[int]
    OPAQUE_FIELD_NUMBER: _ClassVar[int]
    tensor: _planner_pb2.Tensor
    discrete: _planner_pb2.DiscreteStates
    opaque: OpaqueStates
    def __init__(self, tensor: _Optional[_Union[_planner_pb2.Tensor, _Mapping]] = ..., discrete: _Optional[_Union[_planner_pb2.DiscreteStates, _Mapping]] = ..., opaque: _Optional[_Union[OpaqueStates, _Mapping]] = ...) -> None: ...

class OpaqueStates(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, values: _Optional[_Iterable[bytes]] = ...) -> None: ...

class StateFacts(_message.Message):
    __slots__ = ("legal", "terminal", "players", "values", "priors", "keys")
    LEGAL_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    PLAYERS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PRIORS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    legal: _containers.RepeatedScalarFieldContainer[bool]
    terminal: _containers.RepeatedScalarFieldContainer[bool]
    players: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    priors: _containers.RepeatedScalarFieldContainer[float]
    keys: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, legal: _Optional[_Iterable[bool]] = ..., terminal: _Optional[_Iterable[bool]] = ..., players: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., priors: _Optional[_Iterable[float]] = ..., keys: _Optional[_Iterable[int]] = ...) -> None: ...

class SampleBatchRequest(_message.Message):
    __slots__ = ("states", "actions", "seeds")
    STATES_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    states: StateRows
    actions: _containers.RepeatedScalarFieldContainer[int]
    seeds: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, states: _Optional[_Union[StateRows, _Mapping]] = ..., actions: _Optional[_Iterable[int]] = ..., seeds: _Optional[_Iterable[int]] = ...) -> None: ...

class SampleBatchResponse(_message.Message):
    __slots__ = ("next_states", "rewards", "terminated", "facts", "next_seeds", "errors")
    NEXT_STATES_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    TERMINATED_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEEDS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    next_states: StateRows
    rewards: _containers.RepeatedScalarFieldContainer[float]
    terminated: _containers.RepeatedScalarFieldContainer[bool]
    facts: StateFacts
    next_seeds: _containers.RepeatedScalarFieldContainer[int]
    errors: _containers.RepeatedCompositeFieldContainer[_planner_pb2.RowError]
    def __init__(self, next_states: _Optional[_Union[StateRows, _Mapping]] = ..., rewards: _Optional[_Iterable[float]] = ..., terminated: _Optional[_Iterable[bool]] = ..., facts: _Optional[_Union[StateFacts, _Mapping]] = ..., next_seeds: _Optional[_Iterable[int]] = ..., errors: _Optional[_Iterable[_Union[_planner_pb2.RowError, _Mapping]]] = ...) -> None: ...

class EvaluateBatchRequest(_message.Message):
    __slots__ = ("states",)
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: StateRows
    def __init__(self, states: _Optional[_Union[StateRows, _Mapping]] = ...) -> None: ...

class EvaluateBatchResponse(_message.Message):
    __slots__ = ("facts", "errors")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    facts: StateFacts
    errors: _containers.RepeatedCompositeFieldContainer[_planner_pb2.RowError]
    def __init__(self, facts: _Optional[_Union[StateFacts, _Mapping]] = ..., errors: _Optional[_Iterable[_Union[_planner_pb2.RowError, _Mapping]]] = ...) -> None: ...

class InspectBatchRequest(_message.Message):
    __slots__ = ("states",)
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: StateRows
    def __init__(self, states: _Optional[_Union[StateRows, _Mapping]] = ...) -> None: ...

class InspectBatchResponse(_message.Message):
    __slots__ = ("facts", "errors")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    facts: StateFacts
    errors: _containers.RepeatedCompositeFieldContainer[_planner_pb2.RowError]
    def __init__(self, facts: _Optional[_Union[StateFacts, _Mapping]] = ..., errors: _Optional[_Iterable[_Union[_planner_pb2.RowError, _Mapping]]] = ...) -> None: ...
