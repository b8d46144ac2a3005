#include "attention_input.h"

ATTENTION_INPUT_KERNEL(f32, float)
