#include "attention_input.h"

ATTENTION_INPUT_KERNEL(f16, half)
