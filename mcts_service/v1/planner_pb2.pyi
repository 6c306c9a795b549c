import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Dtype(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DTYPE_UNSPECIFIED: _ClassVar[Dtype]
    DTYPE_BOOL: _ClassVar[Dtype]
    DTYPE_INT8: _ClassVar[Dtype]
    DTYPE_INT16: _ClassVar[Dtype]
    DTYPE_INT32: _ClassVar[Dtype]
    DTYPE_INT64: _ClassVar[Dtype]
    DTYPE_UINT8: _ClassVar[Dtype]
    DTYPE_UINT16: _ClassVar[Dtype]
    DTYPE_UINT32: _ClassVar[Dtype]
    DTYPE_UINT64: _ClassVar[Dtype]
    DTYPE_FLOAT32: _ClassVar[Dtype]
    DTYPE_FLOAT64: _ClassVar[Dtype]

class Selection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELECTION_UNSPECIFIED: _ClassVar[Selection]
    SELECTION_AUTO: _ClassVar[Selection]
    SELECTION_UCB1: _ClassVar[Selection]
    SELECTION_UCB1_TUNED: _ClassVar[Selection]
    SELECTION_PUCT: _ClassVar[Selection]
    SELECTION_GUMBEL: _ClassVar[Selection]
    SELECTION_THOMPSON: _ClassVar[Selection]
    SELECTION_MENTS: _ClassVar[Selection]

class ValueScaling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_SCALING_UNSPECIFIED: _ClassVar[ValueScaling]
    VALUE_SCALING_SEEN: _ClassVar[ValueScaling]
    VALUE_SCALING_BOUNDS: _ClassVar[ValueScaling]

class Evaluation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVALUATION_UNSPECIFIED: _ClassVar[Evaluation]
    EVALUATION_AUTO: _ClassVar[Evaluation]
    EVALUATION_ROLLOUT: _ClassVar[Evaluation]
    EVALUATION_VALUE: _ClassVar[Evaluation]
    EVALUATION_TRIAL: _ClassVar[Evaluation]
    EVALUATION_MIXED: _ClassVar[Evaluation]
    EVALUATION_CONSTANT: _ClassVar[Evaluation]

class Rollout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLLOUT_UNSPECIFIED: _ClassVar[Rollout]
    ROLLOUT_MODEL: _ClassVar[Rollout]
    ROLLOUT_RANDOM: _ClassVar[Rollout]
    ROLLOUT_DECISIVE: _ClassVar[Rollout]

class Backup(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKUP_UNSPECIFIED: _ClassVar[Backup]
    BACKUP_AUTO: _ClassVar[Backup]
    BACKUP_MEAN: _ClassVar[Backup]
    BACKUP_BELLMAN: _ClassVar[Backup]
    BACKUP_MAX: _ClassVar[Backup]
    BACKUP_SOFT: _ClassVar[Backup]

class OutcomeKey(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_KEY_UNSPECIFIED: _ClassVar[OutcomeKey]
    OUTCOME_KEY_AUTO: _ClassVar[OutcomeKey]
    OUTCOME_KEY_STATE: _ClassVar[OutcomeKey]
    OUTCOME_KEY_OBSERVATION: _ClassVar[OutcomeKey]
    OUTCOME_KEY_NONE: _ClassVar[OutcomeKey]

class Sharing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARING_UNSPECIFIED: _ClassVar[Sharing]
    SHARING_AUTO: _ClassVar[Sharing]
    SHARING_NONE: _ClassVar[Sharing]
    SHARING_DEPTH: _ClassVar[Sharing]
    SHARING_STATE: _ClassVar[Sharing]

class Recommendation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECOMMENDATION_UNSPECIFIED: _ClassVar[Recommendation]
    RECOMMENDATION_AUTO: _ClassVar[Recommendation]
    RECOMMENDATION_VISITS: _ClassVar[Recommendation]
    RECOMMENDATION_VALUE: _ClassVar[Recommendation]
    RECOMMENDATION_LOWER_BOUND: _ClassVar[Recommendation]

class StopReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP_REASON_UNSPECIFIED: _ClassVar[StopReason]
    STOP_REASON_SIMULATIONS: _ClassVar[StopReason]
    STOP_REASON_TIME_LIMIT: _ClassVar[StopReason]
    STOP_REASON_MAX_BYTES: _ClassVar[StopReason]
    STOP_REASON_CANCELLED: _ClassVar[StopReason]
    STOP_REASON_SOLVED: _ClassVar[StopReason]
    STOP_REASON_DECIDED: _ClassVar[StopReason]
    STOP_REASON_UNFINISHED: _ClassVar[StopReason]

class ValueKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_KIND_UNSPECIFIED: _ClassVar[ValueKind]
    VALUE_KIND_DISCRETE: _ClassVar[ValueKind]
    VALUE_KIND_TENSOR: _ClassVar[ValueKind]
    VALUE_KIND_OPAQUE: _ClassVar[ValueKind]
    VALUE_KIND_JSON: _ClassVar[ValueKind]
DTYPE_UNSPECIFIED: Dtype
DTYPE_BOOL: Dtype
DTYPE_INT8: Dtype
DTYPE_INT16: Dtype
DTYPE_INT32: Dtype
DTYPE_INT64: Dtype
DTYPE_UINT8: Dtype
DTYPE_UINT16: Dtype
DTYPE_UINT32: Dtype
DTYPE_UINT64: Dtype
DTYPE_FLOAT32: Dtype
DTYPE_FLOAT64: Dtype
SELECTION_UNSPECIFIED: Selection
SELECTION_AUTO: Selection
SELECTION_UCB1: Selection
SELECTION_UCB1_TUNED: Selection
SELECTION_PUCT: Selection
SELECTION_GUMBEL: Selection
SELECTION_THOMPSON: Selection
SELECTION_MENTS: Selection
VALUE_SCALING_UNSPECIFIED: ValueScaling
VALUE_SCALING_SEEN: ValueScaling
VALUE_SCALING_BOUNDS: ValueScaling
EVALUATION_UNSPECIFIED: Evaluation
EVALUATION_AUTO: Evaluation
EVALUATION_ROLLOUT: Evaluation
EVALUATION_VALUE: Evaluation
EVALUATION_TRIAL: Evaluation
EVALUATION_MIXED: Evaluation
EVALUATION_CONSTANT: Evaluation
ROLLOUT_UNSPECIFIED: Rollout
ROLLOUT_MODEL: Rollout
ROLLOUT_RANDOM: Rollout
ROLLOUT_DECISIVE: Rollout
BACKUP_UNSPECIFIED: Backup
BACKUP_AUTO: Backup
BACKUP_MEAN: Backup
BACKUP_BELLMAN: Backup
BACKUP_MAX: Backup
BACKUP_SOFT: Backup
OUTCOME_KEY_UNSPECIFIED: OutcomeKey
OUTCOME_KEY_AUTO: OutcomeKey
OUTCOME_KEY_STATE: OutcomeKey
OUTCOME_KEY_OBSERVATION: OutcomeKey
OUTCOME_KEY_NONE: OutcomeKey
SHARING_UNSPECIFIED: Sharing
SHARING_AUTO: Sharing
SHARING_NONE: Sharing
SHARING_DEPTH: Sharing
SHARING_STATE: Sharing
RECOMMENDATION_UNSPECIFIED: Recommendation
RECOMMENDATION_AUTO: Recommendation
RECOMMENDATION_VISITS: Recommendation
RECOMMENDATION_VALUE: Recommendation
RECOMMENDATION_LOWER_BOUND: Recommendation
STOP_REASON_UNSPECIFIED: StopReason
STOP_REASON_SIMULATIONS: StopReason
STOP_REASON_TIME_LIMIT: StopReason
STOP_REASON_MAX_BYTES: StopReason
STOP_REASON_CANCELLED: StopReason
STOP_REASON_SOLVED: StopReason
STOP_REASON_DECIDED: StopReason
STOP_REASON_UNFINISHED: StopReason
VALUE_KIND_UNSPECIFIED: ValueKind
VALUE_KIND_DISCRETE: ValueKind
VALUE_KIND_TENSOR: ValueKind
VALUE_KIND_OPAQUE: ValueKind
VALUE_KIND_JSON: ValueKind

class PlanRequest(_message.Message):
    __slots__ = ("model", "model_version", "state", "budget", "horizon", "options", "seed", "allowed_actions", "request_id", "session_id", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: str
    model_version: str
    state: State
    budget: Budget
    horizon: int
    options: SearchOptions
    seed: int
    allowed_actions: ActionSet
    request_id: str
    session_id: str
    priority: int
    def __init__(self, model: _Optional[str] = ..., model_version: _Optional[str] = ..., state: _Optional[_Union[State, _Mapping]] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., horizon: _Optional[int] = ..., options: _Optional[_Union[SearchOptions, _Mapping]] = ..., seed: _Optional[int] = ..., allowed_actions: _Optional[_Union[ActionSet, _Mapping]] = ..., request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., priority: _Optional[int] = ...) -> None: ...

class State(_message.Message):
    __slots__ = ("discrete", "tensor", "opaque", "json")
    DISCRETE_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    OPAQUE_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    discrete: int
    tensor: Tensor
    opaque: bytes
    json: _struct_pb2.Value
    def __init__(self, discrete: _Optional[int] = ..., tensor: _Optional[_Union[Tensor, _Mapping]] = ..., opaque: _Optional[bytes] = ..., json: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class Action(_message.Message):
    __slots__ = ("discrete", "tensor", "opaque", "json")
    DISCRETE_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    OPAQUE_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    discrete: int
    tensor: Tensor
    opaque: bytes
    json: _struct_pb2.Value
    def __init__(self, discrete: _Optional[int] = ..., tensor: _Optional[_Union[Tensor, _Mapping]] = ..., opaque: _Optional[bytes] = ..., json: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ("dtype", "shape", "data")
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    dtype: Dtype
    shape: _containers.RepeatedScalarFieldContainer[int]
    data: bytes
    def __init__(self, dtype: _Optional[_Union[Dtype, str]] = ..., shape: _Optional[_Iterable[int]] = ..., data: _Optional[bytes] = ...) -> None: ...

class ActionSet(_message.Message):
    __slots__ = ("actions",)
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    actions: _containers.RepeatedCompositeFieldContainer[Action]
    def __init__(self, actions: _Optional[_Iterable[_Union[Action, _Mapping]]] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("simulations", "time_limit", "max_bytes")
    SIMULATIONS_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    simulations: int
    time_limit: _duration_pb2.Duration
    max_bytes: int
    def __init__(self, simulations: _Optional[int] = ..., time_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_bytes: _Optional[int] = ...) -> None: ...

class SearchOptions(_message.Message):
    __slots__ = ("selection", "exploration", "soft_temperature", "considered_actions", "gumbel_visits", "gumbel_value_scale", "value_scaling", "root_noise", "root_noise_concentration", "action_widening", "outcome_widening", "widening_exponent", "max_depth", "evaluation", "value_weight", "leaf_value", "rollout", "rollout_depth", "backup", "sharing", "outcome_key", "recommendation", "temperature", "discount", "prove", "early_stop", "in_flight", "threads", "preset")
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_FIELD_NUMBER: _ClassVar[int]
    SOFT_TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    CONSIDERED_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    GUMBEL_VISITS_FIELD_NUMBER: _ClassVar[int]
    GUMBEL_VALUE_SCALE_FIELD_NUMBER: _ClassVar[int]
    VALUE_SCALING_FIELD_NUMBER: _ClassVar[int]
    ROOT_NOISE_FIELD_NUMBER: _ClassVar[int]
    ROOT_NOISE_CONCENTRATION_FIELD_NUMBER: _ClassVar[int]
    ACTION_WIDENING_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_WIDENING_FIELD_NUMBER: _ClassVar[int]
    WIDENING_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    MAX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    VALUE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    LEAF_VALUE_FIELD_NUMBER: _ClassVar[int]
    ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    ROLLOUT_DEPTH_FIELD_NUMBER: _ClassVar[int]
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    SHARING_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_KEY_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    PROVE_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOP_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    selection: Selection
    exploration: float
    soft_temperature: float
    considered_actions: int
    gumbel_visits: float
    gumbel_value_scale: float
    value_scaling: ValueScaling
    root_noise: float
    root_noise_concentration: float
    action_widening: float
    outcome_widening: float
    widening_exponent: float
    max_depth: int
    evaluation: Evaluation
    value_weight: float
    leaf_value: float
    rollout: Rollout
    rollout_depth: int
    backup: Backup
    sharing: Sharing
    outcome_key: OutcomeKey
    recommendation: Recommendation
    temperature: float
    discount: float
    prove: bool
    early_stop: bool
    in_flight: int
    threads: int
    preset: str
    def __init__(self, selection: _Optional[_Union[Selection, str]] = ..., exploration: _Optional[float] = ..., soft_temperature: _Optional[float] = ..., considered_actions: _Optional[int] = ..., gumbel_visits: _Optional[float] = ..., gumbel_value_scale: _Optional[float] = ..., value_scaling: _Optional[_Union[ValueScaling, str]] = ..., root_noise: _Optional[float] = ..., root_noise_concentration: _Optional[float] = ..., action_widening: _Optional[float] = ..., outcome_widening: _Optional[float] = ..., widening_exponent: _Optional[float] = ..., max_depth: _Optional[int] = ..., evaluation: _Optional[_Union[Evaluation, str]] = ..., value_weight: _Optional[float] = ..., leaf_value: _Optional[float] = ..., rollout: _Optional[_Union[Rollout, str]] = ..., rollout_depth: _Optional[int] = ..., backup: _Optional[_Union[Backup, str]] = ..., sharing: _Optional[_Union[Sharing, str]] = ..., outcome_key: _Optional[_Union[OutcomeKey, str]] = ..., recommendation: _Optional[_Union[Recommendation, str]] = ..., temperature: _Optional[float] = ..., discount: _Optional[float] = ..., prove: bool = ..., early_stop: bool = ..., in_flight: _Optional[int] = ..., threads: _Optional[int] = ..., preset: _Optional[str] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("action", "value", "player_values", "actions", "principal_variation", "simulations", "nodes", "depth", "bytes", "recipe", "stop_reason", "queue_time", "search_time", "model", "seed", "deterministic", "request_id", "reused_simulations", "recipe_reason", "discount", "warnings")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PLAYER_VALUES_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_VARIATION_FIELD_NUMBER: _ClassVar[int]
    SIMULATIONS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    STOP_REASON_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEARCH_TIME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REUSED_SIMULATIONS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_REASON_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    action: Action
    value: float
    player_values: _containers.RepeatedScalarFieldContainer[float]
    actions: _containers.RepeatedCompositeFieldContainer[ActionStatistics]
    principal_variation: _containers.RepeatedCompositeFieldContainer[PrincipalVariationStep]
    simulations: int
    nodes: int
    depth: int
    bytes: int
    recipe: str
    stop_reason: StopReason
    queue_time: _duration_pb2.Duration
    search_time: _duration_pb2.Duration
    model: ModelId
    seed: int
    deterministic: bool
    request_id: str
    reused_simulations: int
    recipe_reason: str
    discount: float
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, action: _Optional[_Union[Action, _Mapping]] = ..., value: _Optional[float] = ..., player_values: _Optional[_Iterable[float]] = ..., actions: _Optional[_Iterable[_Union[ActionStatistics, _Mapping]]] = ..., principal_variation: _Optional[_Iterable[_Union[PrincipalVariationStep, _Mapping]]] = ..., simulations: _Optional[int] = ..., nodes: _Optional[int] = ..., depth: _Optional[int] = ..., bytes: _Optional[int] = ..., recipe: _Optional[str] = ..., stop_reason: _Optional[_Union[StopReason, str]] = ..., queue_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., search_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., model: _Optional[_Union[ModelId, _Mapping]] = ..., seed: _Optional[int] = ..., deterministic: bool = ..., request_id: _Optional[str] = ..., reused_simulations: _Optional[int] = ..., recipe_reason: _Optional[str] = ..., discount: _Optional[float] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class ActionStatistics(_message.Message):
    __slots__ = ("action", "visits", "value", "standard_error", "lower", "upper", "prior", "proven")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VISITS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    PROVEN_FIELD_NUMBER: _ClassVar[int]
    action: Action
    visits: int
    value: float
    standard_error: float
    lower: float
    upper: float
    prior: float
    proven: bool
    def __init__(self, action: _Optional[_Union[Action, _Mapping]] = ..., visits: _Optional[int] = ..., value: _Optional[float] = ..., standard_error: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., prior: _Optional[float] = ..., proven: bool = ...) -> None: ...

class PrincipalVariationStep(_message.Message):
    __slots__ = ("action", "visits", "value")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VISITS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    action: Action
    visits: int
    value: float
    def __init__(self, action: _Optional[_Union[Action, _Mapping]] = ..., visits: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...

class WatchPlanRequest(_message.Message):
    __slots__ = ("plan", "interval")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    plan: PlanRequest
    interval: _duration_pb2.Duration
    def __init__(self, plan: _Optional[_Union[PlanRequest, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchPlanResponse(_message.Message):
    __slots__ = ("plan", "final")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    plan: PlanResponse
    final: bool
    def __init__(self, plan: _Optional[_Union[PlanResponse, _Mapping]] = ..., final: bool = ...) -> None: ...

class PlanManyRequest(_message.Message):
    __slots__ = ("request_id", "plan", "cancel", "timeout")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    plan: PlanRequest
    cancel: CancelPlan
    timeout: _duration_pb2.Duration
    def __init__(self, request_id: _Optional[str] = ..., plan: _Optional[_Union[PlanRequest, _Mapping]] = ..., cancel: _Optional[_Union[CancelPlan, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CancelPlan(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PlanManyResponse(_message.Message):
    __slots__ = ("request_id", "plan", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    plan: PlanResponse
    error: _status_pb2.Status
    def __init__(self, request_id: _Optional[str] = ..., plan: _Optional[_Union[PlanResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class PlanBatchRequest(_message.Message):
    __slots__ = ("model", "model_version", "tensor", "discrete", "list", "budget", "horizon", "options", "seeds", "action_mask", "request_id", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    DISCRETE_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    ACTION_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: str
    model_version: str
    tensor: Tensor
    discrete: DiscreteStates
    list: StateList
    budget: Budget
    horizon: int
    options: SearchOptions
    seeds: _containers.RepeatedScalarFieldContainer[int]
    action_mask: Tensor
    request_id: str
    priority: int
    def __init__(self, model: _Optional[str] = ..., model_version: _Optional[str] = ..., tensor: _Optional[_Union[Tensor, _Mapping]] = ..., discrete: _Optional[_Union[DiscreteStates, _Mapping]] = ..., list: _Optional[_Union[StateList, _Mapping]] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., horizon: _Optional[int] = ..., options: _Optional[_Union[SearchOptions, _Mapping]] = ..., seeds: _Optional[_Iterable[int]] = ..., action_mask: _Optional[_Union[Tensor, _Mapping]] = ..., request_id: _Optional[str] = ..., priority: _Optional[int] = ...) -> None: ...

class DiscreteStates(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class StateList(_message.Message):
    __slots__ = ("states",)
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedCompositeFieldContainer[State]
    def __init__(self, states: _Optional[_Iterable[_Union[State, _Mapping]]] = ...) -> None: ...

class PlanBatchResponse(_message.Message):
    __slots__ = ("actions", "values", "player_values", "num_actions", "legal", "visits", "action_values", "standard_errors", "lower", "upper", "priors", "proven", "simulations", "nodes", "depths", "bytes", "stop_reasons", "seeds", "deterministic", "errors", "recipe", "queue_time", "search_time", "model", "request_id", "labelled_rows", "recipe_reason", "discount", "warnings")
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PLAYER_VALUES_FIELD_NUMBER: _ClassVar[int]
    NUM_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    LEGAL_FIELD_NUMBER: _ClassVar[int]
    VISITS_FIELD_NUMBER: _ClassVar[int]
    ACTION_VALUES_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERRORS_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    PRIORS_FIELD_NUMBER: _ClassVar[int]
    PROVEN_FIELD_NUMBER: _ClassVar[int]
    SIMULATIONS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    DEPTHS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    STOP_REASONS_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEARCH_TIME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LABELLED_ROWS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_REASON_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    actions: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    player_values: _containers.RepeatedScalarFieldContainer[float]
    num_actions: int
    legal: _containers.RepeatedScalarFieldContainer[bool]
    visits: _containers.RepeatedScalarFieldContainer[int]
    action_values: _containers.RepeatedScalarFieldContainer[float]
    standard_errors: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    priors: _containers.RepeatedScalarFieldContainer[float]
    proven: _containers.RepeatedScalarFieldContainer[bool]
    simulations: _containers.RepeatedScalarFieldContainer[int]
    nodes: _containers.RepeatedScalarFieldContainer[int]
    depths: _containers.RepeatedScalarFieldContainer[int]
    bytes: _containers.RepeatedScalarFieldContainer[int]
    stop_reasons: _containers.RepeatedScalarFieldContainer[StopReason]
    seeds: _containers.RepeatedScalarFieldContainer[int]
    deterministic: _containers.RepeatedScalarFieldContainer[bool]
    errors: _containers.RepeatedCompositeFieldContainer[RowError]
    recipe: str
    queue_time: _duration_pb2.Duration
    search_time: _duration_pb2.Duration
    model: ModelId
    request_id: str
    labelled_rows: _containers.RepeatedCompositeFieldContainer[LabelledRow]
    recipe_reason: str
    discount: float
    warnings: _containers.RepeatedCompositeFieldContainer[RowWarnings]
    def __init__(self, actions: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., player_values: _Optional[_Iterable[float]] = ..., num_actions: _Optional[int] = ..., legal: _Optional[_Iterable[bool]] = ..., visits: _Optional[_Iterable[int]] = ..., action_values: _Optional[_Iterable[float]] = ..., standard_errors: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., priors: _Optional[_Iterable[float]] = ..., proven: _Optional[_Iterable[bool]] = ..., simulations: _Optional[_Iterable[int]] = ..., nodes: _Optional[_Iterable[int]] = ..., depths: _Optional[_Iterable[int]] = ..., bytes: _Optional[_Iterable[int]] = ..., stop_reasons: _Optional[_Iterable[_Union[StopReason, str]]] = ..., seeds: _Optional[_Iterable[int]] = ..., deterministic: _Optional[_Iterable[bool]] = ..., errors: _Optional[_Iterable[_Union[RowError, _Mapping]]] = ..., recipe: _Optional[str] = ..., queue_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., search_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., model: _Optional[_Union[ModelId, _Mapping]] = ..., request_id: _Optional[str] = ..., labelled_rows: _Optional[_Iterable[_Union[LabelledRow, _Mapping]]] = ..., recipe_reason: _Optional[str] = ..., discount: _Optional[float] = ..., warnings: _Optional[_Iterable[_Union[RowWarnings, _Mapping]]] = ...) -> None: ...

class RowWarnings(_message.Message):
    __slots__ = ("row", "warnings")
    ROW_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    row: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, row: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class LabelledRow(_message.Message):
    __slots__ = ("action", "actions")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    action: Action
    actions: _containers.RepeatedCompositeFieldContainer[ActionStatistics]
    def __init__(self, action: _Optional[_Union[Action, _Mapping]] = ..., actions: _Optional[_Iterable[_Union[ActionStatistics, _Mapping]]] = ...) -> None: ...

class RowError(_message.Message):
    __slots__ = ("row", "status")
    ROW_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    row: int
    status: _status_pb2.Status
    def __init__(self, row: _Optional[int] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ModelId(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelSummary]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelSummary, _Mapping]]] = ...) -> None: ...

class ModelSummary(_message.Message):
    __slots__ = ("model", "description")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    model: ModelId
    description: str
    def __init__(self, model: _Optional[_Union[ModelId, _Mapping]] = ..., description: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("model", "model_version")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    model: str
    model_version: str
    def __init__(self, model: _Optional[str] = ..., model_version: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model", "description", "state_spec", "action_spec", "num_players", "discount", "capabilities", "default_budget", "max_budget", "default_options", "max_batch")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATE_SPEC_FIELD_NUMBER: _ClassVar[int]
    ACTION_SPEC_FIELD_NUMBER: _ClassVar[int]
    NUM_PLAYERS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_BUDGET_FIELD_NUMBER: _ClassVar[int]
    MAX_BUDGET_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_FIELD_NUMBER: _ClassVar[int]
    model: ModelId
    description: str
    state_spec: StateSpec
    action_spec: ActionSpec
    num_players: int
    discount: float
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    default_budget: Budget
    max_budget: Budget
    default_options: SearchOptions
    max_batch: int
    def __init__(self, model: _Optional[_Union[ModelId, _Mapping]] = ..., description: _Optional[str] = ..., state_spec: _Optional[_Union[StateSpec, _Mapping]] = ..., action_spec: _Optional[_Union[ActionSpec, _Mapping]] = ..., num_players: _Optional[int] = ..., discount: _Optional[float] = ..., capabilities: _Optional[_Iterable[str]] = ..., default_budget: _Optional[_Union[Budget, _Mapping]] = ..., max_budget: _Optional[_Union[Budget, _Mapping]] = ..., default_options: _Optional[_Union[SearchOptions, _Mapping]] = ..., max_batch: _Optional[int] = ...) -> None: ...

class StateSpec(_message.Message):
    __slots__ = ("kind", "dtype", "shape", "num_values", "example", "description")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    NUM_VALUES_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    kind: ValueKind
    dtype: Dtype
    shape: _containers.RepeatedScalarFieldContainer[int]
    num_values: int
    example: State
    description: str
    def __init__(self, kind: _Optional[_Union[ValueKind, str]] = ..., dtype: _Optional[_Union[Dtype, str]] = ..., shape: _Optional[_Iterable[int]] = ..., num_values: _Optional[int] = ..., example: _Optional[_Union[State, _Mapping]] = ..., description: _Optional[str] = ...) -> None: ...

class ActionSpec(_message.Message):
    __slots__ = ("kind", "num_actions", "description")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NUM_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    kind: ValueKind
    num_actions: int
    description: str
    def __init__(self, kind: _Optional[_Union[ValueKind, str]] = ..., num_actions: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...
