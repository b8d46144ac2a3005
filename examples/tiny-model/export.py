"""Writes the weights of a trained tiny model as a GGUF file: matrices in F16, vectors in F32.

python3 export.py tiny WEIGHTS.pt OUT.gguf
"""

import sys

import numpy as np
import torch

import gguf
from gguf import BOOL, FLOAT32, INT32, STRING, UINT32
from model import create
from tokenizer import Tokenizer

LAYER_TENSORS = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.q_norm": "attn_q_norm", "self_attn.k_proj": "attn_k",
    "self_attn.k_norm": "attn_k_norm", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "post_feedforward_layernorm": "post_ffw_norm", "per_layer_input_gate": "inp_gate", "per_layer_projection": "proj", "post_per_layer_input_norm": "post_norm"}
MODEL_TENSORS = {"embed_tokens": "token_embd", "embed_tokens_per_layer": "per_layer_token_embd", "per_layer_model_projection": "per_layer_model_proj",
                 "per_layer_projection_norm": "per_layer_proj_norm", "norm": "output_norm"}
# Divisor of a rotation frequency that stops the rotation.
NOT_ROTATED = 1e30
FILE_TYPE_F16 = 1
# Facts should stay facts; stories still differ.
TEMPERATURE = 0.3


def tensor_name(name: str) -> str:
    """The name in GGUF of a parameter of Gemma4TextModel."""
    name = name.removesuffix(".weight")
    if name.startswith("layers."):
        _, layer, rest = name.split(".", 2)
        return f"blk.{layer}." + ("layer_output_scale" if rest == "layer_scalar" else LAYER_TENSORS[rest]) + ".weight"
    return MODEL_TENSORS[name] + ".weight"


def tensors(model) -> list:
    config = model.config
    result = []
    for name, value in model.model.state_dict().items():
        if "rotary_emb" not in name and "embed_scale" not in name:
            array = value.detach().cpu().float().numpy()
            result.append((tensor_name(name), array.astype(np.float16) if array.ndim == 2 else array))
    head_dim = config.per_layer_config["full_attention"].head_dim
    rotated = int(head_dim * config.rope_parameters["full_attention"]["partial_rotary_factor"]) // 2
    factors = np.full(head_dim // 2, NOT_ROTATED, np.float32)
    factors[:rotated] = 1
    return result + [("rope_freqs.weight", factors)]


def metadata(name: str, model, tokenizer: Tokenizer) -> list:
    config = model.config
    widths = [layer.mlp.intermediate_size for layer in model.model.layers]
    layers = [config.per_layer_config[i] for i in range(config.num_hidden_layers)]
    values = [
        ("block_count", UINT32, config.num_hidden_layers), ("context_length", UINT32, config.max_position_embeddings),
        ("embedding_length", UINT32, config.hidden_size), ("feed_forward_length", INT32, widths), ("attention.head_count", UINT32, config.num_attention_heads),
        ("attention.head_count_kv", INT32, [layer.num_key_value_heads for layer in layers]), ("attention.layer_norm_rms_epsilon", FLOAT32, config.rms_norm_eps),
        ("rope.freq_base", FLOAT32, config.rope_parameters["full_attention"]["rope_theta"]),
        ("rope.freq_base_swa", FLOAT32, config.rope_parameters["sliding_attention"]["rope_theta"]),
        ("attention.sliding_window", UINT32, config.sliding_window),
        ("attention.sliding_window_pattern", BOOL, [kind == "sliding_attention" for kind in config.layer_types]),
        ("attention.shared_kv_layers", UINT32, config.num_kv_shared_layers), ("embedding_length_per_layer_input", UINT32, config.hidden_size_per_layer_input),
        ("final_logit_softcapping", FLOAT32, config.final_logit_softcapping)]
    for key in ("attention.key_length", "attention.value_length", "rope.dimension_count"):
        values += [(key, UINT32, config.per_layer_config["full_attention"].head_dim), (key + "_swa", UINT32, config.per_layer_config["sliding_attention"].head_dim)]
    return ([("general.architecture", STRING, "gemma4"), ("general.name", STRING, "gemma4j " + name), ("general.file_type", UINT32, FILE_TYPE_F16),
             ("general.sampling.temp", FLOAT32, TEMPERATURE)]
            + [("gemma4." + key, kind, value) for key, kind, value in values] + [
                ("tokenizer.ggml.model", STRING, "gemma4"), ("tokenizer.ggml.tokens", STRING, tokenizer.tokens),
                ("tokenizer.ggml.scores", FLOAT32, [0.0] * len(tokenizer.tokens)), ("tokenizer.ggml.token_type", INT32, tokenizer.types),
                ("tokenizer.ggml.merges", STRING, [" ".join(pair) for pair in tokenizer.merges]),
                ("tokenizer.ggml.bos_token_id", UINT32, config.bos_token_id), ("tokenizer.ggml.eos_token_id", UINT32, config.eos_token_id),
                ("tokenizer.ggml.padding_token_id", UINT32, config.pad_token_id), ("tokenizer.ggml.unknown_token_id", UINT32, tokenizer.ids["<unk>"]),
                ("tokenizer.ggml.add_space_prefix", BOOL, False), ("tokenizer.ggml.add_bos_token", BOOL, True)])


if __name__ == "__main__":
    name, weights, out = sys.argv[1:]
    trained = create(name)
    trained.load_state_dict(torch.load(weights, map_location="cpu"))
    gguf.write(out, metadata(name, trained, Tokenizer.load()), tensors(trained))
