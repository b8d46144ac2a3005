"""The two tiny models: their geometry, in the terms of transformers' Gemma4TextConfig."""

import torch
from transformers import Gemma4ForCausalLM, Gemma4TextConfig

from tokenizer import VOCABULARY_SIZE

S, F = "sliding_attention", "full_attention"
CONTEXT_TOKENS = 4096
COMMON = dict(vocab_size=VOCABULARY_SIZE, vocab_size_per_layer_input=VOCABULARY_SIZE, hidden_size=256, num_attention_heads=2, num_key_value_heads=1, head_dim=256,
              global_head_dim=512, sliding_window=128, max_position_embeddings=CONTEXT_TOKENS, rms_norm_eps=1e-6, final_logit_softcapping=30.0,
              tie_word_embeddings=True, pad_token_id=0, eos_token_id=16, bos_token_id=2, attn_implementation="eager")
MODELS = {
    # As the E models: per-layer embeddings, and the last layers use keys and values of earlier ones.
    "tiny": dict(layer_types=[S, S, F, S, S, F, S, F], intermediate_size=256, use_double_wide_mlp=True, num_kv_shared_layers=4, hidden_size_per_layer_input=32),
    # As the 31B model: the keys of a full layer are its values.
    "tiny-dense": dict(layer_types=[S, S, F, S, S, F], intermediate_size=768, num_kv_shared_layers=0, hidden_size_per_layer_input=0, attention_k_eq_v=True,
                       num_global_key_value_heads=1),
}


def create(name: str) -> Gemma4ForCausalLM:
    """A model with random weights, drawn from PyTorch's generator, in float32."""
    shape = MODELS[name]
    model = Gemma4ForCausalLM(Gemma4TextConfig(**COMMON, num_hidden_layers=len(shape["layer_types"]), **shape)).float()
    with torch.no_grad():
        for layer in model.model.layers:
            # Attention has no 1/sqrt(d) of its own: the norms of queries and keys start with it.
            for norm in ("q_norm", "k_norm"):
                if hasattr(layer.self_attn, norm):
                    getattr(layer.self_attn, norm).weight.fill_(layer.self_attn.head_dim ** -0.25)
    return model
