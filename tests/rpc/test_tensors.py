import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import StateSpec
from mcts_service.rpc.tensors import array_from_tensor, dtype_number, tensor_from_array
from mcts_service.service.entry import WIRE_DTYPES
from mcts_service.v1 import planner_pb2


@pytest.mark.parametrize("name", WIRE_DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0)])
def test_an_array_comes_back_as_it_was(name, shape):
    dtype = np.dtype(name)
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    tensor = tensor_from_array(array)
    back = array_from_tensor(tensor, StateSpec("tensor", dtype, shape), "state.tensor")
    assert back.dtype == dtype
    assert np.array_equal(back, array)
    assert back.flags.writeable


def test_every_element_type_of_the_contract_is_known():
    numbers = {int(dtype_number(np.dtype(name))) for name in WIRE_DTYPES}
    assert numbers == set(planner_pb2.Dtype.values()) - {planner_pb2.DTYPE_UNSPECIFIED}


def test_the_wire_is_little_endian_and_in_c_order():
    array = np.array([[1, 2], [3, 4]], dtype=np.int16)
    for layout in (array, np.asfortranarray(array), array.astype(">i2").astype(np.int16)):
        assert tensor_from_array(layout).data == bytes([1, 0, 2, 0, 3, 0, 4, 0])


def test_a_truth_value_of_two_is_refused():
    tensor = planner_pb2.Tensor(dtype=planner_pb2.DTYPE_BOOL, shape=[2], data=b"\x01\x02")
    with pytest.raises(InvalidRequest, match=r"state\.tensor\.data: has a byte above 1"):
        array_from_tensor(tensor, StateSpec("tensor", np.dtype(bool), (2,)), "state.tensor")
