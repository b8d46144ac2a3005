#include "source_location.h"

#include <dlfcn.h>

#include <cstdio>

namespace executor {

std::string siteName(int site) {
    return "line " + std::to_string(site / 512) + ":" + std::to_string(site % 512);
}

std::string sourceOf(void* address) {
    Dl_info image;
    if (dladdr(address, &image) == 0) {
        return "an unknown place";
    }
    char offset[32];
    snprintf(offset, sizeof offset, "0x%lx", static_cast<unsigned long>(static_cast<char*>(address) - 1 - static_cast<char*>(image.dli_fbase)));
    std::string command = std::string("llvm-symbolizer-19 --no-inlines --functions=none --obj='") + image.dli_fname + "' " + offset + " 2>/dev/null";
    std::string line;
    if (FILE* output = popen(command.c_str(), "r")) {
        char text[1024];
        if (fgets(text, sizeof text, output) != nullptr) {
            line = text;
        }
        pclose(output);
    }
    while (!line.empty() && line.back() == '\n') {
        line.pop_back();
    }
    return line.empty() ? std::string(image.dli_fname) + " + " + offset : line;
}

}
