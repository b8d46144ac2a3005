#include "metal.h"

namespace metal {

using objc::define;

Settings& settings() {
    static Settings chosen;
    return chosen;
}

namespace {

Device* device() {
    static Device* only = objc::make<Device>();
    return only;
}

Device* retained() {
    objc::retain(device());
    return device();
}

}

void defineDevice() {
    define("MTLDevice", "-name", +[](Device*, SEL) -> id { return objc::string("Metal on the CPU"); });
    define("MTLDevice", "-supportsFamily:", +[](Device*, SEL, NSInteger family) -> bool {
        bool apple = family > 1000 && family <= settings().appleFamily;
        bool metal3 = family == 5001 && settings().appleFamily >= 1007;
        return apple || metal3;
    });
    define("MTLDevice", "-hasUnifiedMemory", +[](Device*, SEL) -> bool { return settings().hasUnifiedMemory; });
    define("MTLDevice", "-recommendedMaxWorkingSetSize", +[](Device*, SEL) -> NSUInteger { return settings().workingSetBytes; });
    define("MTLDevice", "-currentAllocatedSize", +[](Device*, SEL) -> NSUInteger { return 0; });
    define("MTLDevice", "-maxBufferLength", +[](Device*, SEL) -> NSUInteger { return settings().maxBufferBytes; });
    define("MTLDevice", "-maxThreadgroupMemoryLength", +[](Device*, SEL) -> NSUInteger { return executor::MAX_THREADGROUP_BYTES; });
    define("MTLDevice", "-newCommandQueue", +[](Device*, SEL) -> id { return objc::make<Queue>(); });
}

EXPORT id MTLCreateSystemDefaultDevice() {
    return settings().hasDefaultDevice && settings().deviceCount > 0 ? retained() : nullptr;
}

EXPORT id MTLCopyAllDevices() {
    return objc::makeArray(std::vector<id>(settings().deviceCount, device()));
}

}
