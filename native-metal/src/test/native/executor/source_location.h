// Places in a kernel's source, for messages.
#pragma once

#include <string>

namespace executor {

// Line and column of a barrier or simdgroup operation.
std::string siteName(int site);

// File and line of the call that returns to `address`, where llvm-symbolizer is installed.
std::string sourceOf(void* address);

}
