#pragma once

struct ScaledSumArguments {
    uint count;
    float scale;
};
