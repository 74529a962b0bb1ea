import numpy as np

from explorer.mask import Mask
from explorer.stats.sizes import size_of


def test_parameters_of_whole_models():
    """MiniLM-L6: as many as magnitude pruning counts, 10,635,264, but for what belongs to no head and no MLP."""
    whole = size_of(Mask.full(6, 12), "minilm-l6")
    output_bias_of_attention, output_bias_of_mlp = 6 * 384, 6 * 384
    assert whole.parameters == 10_635_264 - output_bias_of_attention + output_bias_of_mlp
    assert whole.share == 1
    assert size_of(Mask.full(12, 12), "bert-base-uncased").parameters == 12 * (
        4 * 768 * 768 + 3 * 768 + 8 * 768**2 + 5 * 768
    )


def test_a_head_is_its_share_of_its_layer_s_attention():
    off = Mask.full(6, 12).with_head(2, 3, False)
    assert (
        size_of(Mask.full(6, 12), "minilm-l6").parameters - size_of(off, "minilm-l6").parameters
        == 4 * 384 * 32 + 3 * 32
    )


def test_a_model_of_unknown_width_has_heads_and_mlps_only():
    size = size_of(Mask(np.zeros((2, 3)), [1, 0]), "tiny-bert")
    assert (size.heads, size.mlps, size.parameters, size.share) == (0, 1, None, None)
