"""Which arithmetic this machine is fast in."""

from __future__ import annotations

import torch


def fast_dtype(device: str = "cpu") -> torch.dtype:
    """Returns bfloat16 where the processor multiplies matrices in it (AMX, AVX-512 BF16, CUDA from Ampere on), else
    float32.
    """
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    # torch offers no public question for either; the version is pinned
    has_bf16 = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if has_bf16 else torch.float32
