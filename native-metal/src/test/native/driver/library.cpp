#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "metal.h"

namespace metal {

using objc::define;

namespace {

constexpr NSUInteger FLOAT = 3;
constexpr NSUInteger HALF = 16;
constexpr NSUInteger INT = 29;
constexpr NSUInteger UINT = 33;
constexpr NSUInteger SHORT = 37;
constexpr NSUInteger USHORT = 41;
constexpr NSUInteger BOOL = 53;

size_t bytesOf(NSUInteger type) {
    switch (type) {
        case BOOL: return 1;
        case HALF: case SHORT: case USHORT: return 2;
        case FLOAT: case INT: case UINT: return 4;
        default: return 0;
    }
}

int collectSegments(dl_phdr_info* info, size_t, void* context) {
    auto [base, image] = *static_cast<std::pair<ElfW(Addr), Image*>*>(context);
    if (info->dlpi_addr == base) {
        for (int i = 0; i < info->dlpi_phnum; i++) {
            const auto& header = info->dlpi_phdr[i];
            if (header.p_type == PT_LOAD) {
                image->segments.push_back({reinterpret_cast<char*>(base + header.p_vaddr), header.p_memsz});
            }
        }
    }
    return 0;
}

// The same file opened twice would share its function constants.
std::shared_ptr<Image> load(const std::string& path, const std::vector<executor::FunctionConstant>& constants) {
    static std::atomic<int> number{0};
    auto image = std::make_shared<Image>();
    image->copy = path + "." + std::to_string(getpid()) + "." + std::to_string(number++);
    std::ifstream from(path, std::ios::binary);
    std::ofstream(image->copy, std::ios::binary) << from.rdbuf();
    executor::useFunctionConstants(&constants);
    image->handle = dlopen(image->copy.c_str(), RTLD_NOW | RTLD_LOCAL);
    executor::useFunctionConstants(nullptr);
    if (image->handle == nullptr) {
        objc::problem("a compiled shader cannot be loaded: %s", dlerror());
        return image;
    }
    link_map* map;
    dlinfo(image->handle, RTLD_DI_LINKMAP, &map);
    std::pair<ElfW(Addr), Image*> context(map->l_addr, image.get());
    dl_iterate_phdr(collectSegments, &context);
    return image;
}

// Indices of a shader's function constants, as the rewriter has listed them: "0,1,".
void requireAllConstants(const Image& image, const std::string& function, const std::vector<executor::FunctionConstant>& constants) {
    const char* declared = static_cast<const char*>(dlsym(image.handle, "msl_function_constants"));
    for (const char* at = declared; at != nullptr && *at != '\0'; at = strchr(at, ',') + 1) {
        int index = atoi(at);
        bool set = false;
        for (const executor::FunctionConstant& constant : constants) {
            set |= constant.index == index;
        }
        if (!set) {
            objc::problem("function '%s': function constant %d is not set", function.c_str(), index);
        }
    }
}

id newFunction(Library* self, id name, const std::vector<executor::FunctionConstant>& constants, id* error) {
    auto* text = objc::expect<objc::String>(name, "newFunctionWithName:");
    if (text == nullptr) {
        return nullptr;
    }
    std::shared_ptr<Image> image = load(self->image, constants);
    void* entry = image->handle == nullptr ? nullptr : dlsym(image->handle, ("msl_entry_" + text->text).c_str());
    if (entry == nullptr) {
        objc::setError(error, "the library has no function '" + text->text + "'");
        return nullptr;
    }
    requireAllConstants(*image, text->text, constants);
    auto* function = objc::make<Function>();
    function->image = image;
    function->entry = reinterpret_cast<void (*)()>(entry);
    function->name = text->text;
    return function;
}

}

Image::~Image() {
    if (handle != nullptr) {
        dlclose(handle);
    }
    unlink(copy.c_str());
}

void defineLibrary() {
    define("MTLCompileOptions", "+new", +[](Object*, SEL) -> id { return objc::make<CompileOptions>(); });
    define("MTLCompileOptions", "-setLanguageVersion:", +[](CompileOptions*, SEL, NSUInteger version) {
        if (version < 0x10000 || version > 0x40000 || (version & 0xffff) > 4) {
            objc::problem("setLanguageVersion: 0x%lx is not (major << 16) + minor", version);
        }
    });
    define("MTLCompileOptions", "-setFastMathEnabled:", +[](CompileOptions*, SEL, bool) {});
    define("MTLDevice", "-newLibraryWithSource:options:error:", +[](Device*, SEL, id source, id options, id* error) -> id {
        auto* text = objc::expect<objc::String>(source, "newLibraryWithSource:");
        if (text == nullptr || objc::expect<CompileOptions>(options, "newLibraryWithSource:") == nullptr) {
            return nullptr;
        }
        Compiled compiled = compile(text->text);
        if (compiled.image.empty()) {
            objc::setError(error, compiled.diagnostics);
            return nullptr;
        }
        return objc::make<Library>(compiled.image);
    });
    define("MTLFunctionConstantValues", "+new", +[](Object*, SEL) -> id { return objc::make<FunctionConstantValues>(); });
    define("MTLFunctionConstantValues", "-setConstantValue:type:atIndex:",
            +[](FunctionConstantValues* self, SEL, const void* value, NSUInteger type, NSUInteger index) {
                size_t bytes = bytesOf(type);
                if (bytes == 0) {
                    objc::problem("setConstantValue: %lu is not a type of function constants", type);
                    return;
                }
                executor::FunctionConstant constant{static_cast<int>(index), 0};
                memcpy(&constant.bits, value, bytes);
                self->values.push_back(constant);
            });
    define("MTLLibrary", "-newFunctionWithName:constantValues:error:", +[](Library* self, SEL, id name, id constants, id* error) -> id {
        auto* values = objc::expect<FunctionConstantValues>(constants, "newFunctionWithName:constantValues:");
        return values == nullptr ? nullptr : newFunction(self, name, values->values, error);
    });
    define("MTLDevice", "-newComputePipelineStateWithFunction:error:", +[](Device*, SEL, id function, id*) -> id {
        auto* checked = objc::expect<Function>(function, "newComputePipelineStateWithFunction:");
        return checked == nullptr ? nullptr : objc::make<Pipeline>(*checked);
    });
    define("MTLComputePipelineState", "-maxTotalThreadsPerThreadgroup", +[](Pipeline* self, SEL) -> NSUInteger { return self->maxThreads; });
    define("MTLComputePipelineState", "-threadExecutionWidth", +[](Pipeline*, SEL) -> NSUInteger { return executor::LANES; });
}

}
