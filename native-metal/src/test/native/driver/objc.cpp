#include "objc.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <set>
#include <unordered_map>

namespace objc {

namespace {

std::recursive_mutex mutex;
using Lock = std::lock_guard<std::recursive_mutex>;

std::string problems;
// The memory of freed objects is kept, so that a later use finds them here.
std::unordered_map<const void*, bool> aliveByObject;
std::map<std::string, long> liveByClass;

struct Pool {
    std::vector<id> objects;
};

thread_local std::vector<Pool*> pools;

std::set<std::string>& selectors() {
    static std::set<std::string> names;
    return names;
}

std::map<std::string, Class*>& classes() {
    static std::map<std::string, Class*> byName;
    return byName;
}

void* ignore(id, SEL) {
    return nullptr;
}

const Method* find(Class* isa, SEL name, bool ofClass) {
    for (Class* each : {isa, ofClass ? classNamed("NSObject")->isa : classNamed("NSObject")}) {
        auto found = each->methods.find(name);
        if (found != each->methods.end()) {
            return &found->second;
        }
    }
    return nullptr;
}

}

void problem(const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Lock lock(mutex);
    problems += text;
    problems += '\n';
}

std::string takeProblems() {
    Lock lock(mutex);
    return std::exchange(problems, "");
}

std::string liveObjects() {
    Lock lock(mutex);
    std::string text;
    for (const auto& [name, count] : liveByClass) {
        if (count != 0) {
            text += name + " " + std::to_string(count) + "\n";
        }
    }
    return text;
}

SEL selector(const std::string& name) {
    Lock lock(mutex);
    return selectors().insert(name).first->c_str();
}

Class* classNamed(const std::string& name) {
    Lock lock(mutex);
    Class*& found = classes()[name];
    if (found == nullptr) {
        found = new Class(new Class(nullptr, name), name);
    }
    return found;
}

bool isLive(id object, const char* use) {
    Lock lock(mutex);
    auto found = aliveByObject.find(object);
    if (found == aliveByObject.end()) {
        problem("%s: %p is not an object", use, static_cast<void*>(object));
        return false;
    }
    if (!found->second) {
        problem("%s: the object %p was freed before", use, static_cast<void*>(object));
    }
    return found->second;
}

void born(id object) {
    Lock lock(mutex);
    aliveByObject[object] = true;
    liveByClass[object->isa->name]++;
}

void retain(id object) {
    object->references++;
}

void release(id object) {
    if (object == nullptr || !isLive(object, "release")) {
        return;
    }
    if (--object->references == 0) {
        {
            Lock lock(mutex);
            aliveByObject[object] = false;
            liveByClass[object->isa->name]--;
        }
        object->~Object();
    }
}

id autorelease(id object) {
    if (pools.empty()) {
        problem("a %s is autoreleased on a thread without a pool: it is never freed", object->isa->name.c_str());
    } else {
        pools.back()->objects.push_back(object);
    }
    return object;
}

// What objc_msgSend jumps to.
extern "C" __attribute__((visibility("hidden"))) void* find_implementation(id self, SEL name) {
    Lock lock(mutex);
    auto known = selectors().find(name);
    if (known == selectors().end() || known->c_str() != name) {
        problem("objc_msgSend: the selector %p is not from sel_registerName", static_cast<const void*>(name));
        return reinterpret_cast<void*>(ignore);
    }
    bool toClass = std::any_of(classes().begin(), classes().end(), [&](const auto& each) { return each.second == self; });
    if (!toClass && !isLive(self, name)) {
        return reinterpret_cast<void*>(ignore);
    }
    const Method* method = find(self->isa, name, toClass);
    if (method == nullptr) {
        problem("%c[%s %s]: unrecognized selector", toClass ? '+' : '-', self->isa->name.c_str(), name);
        return reinterpret_cast<void*>(ignore);
    }
    return method->implementation;
}

EXPORT SEL sel_registerName(const char* name) {
    return selector(name);
}

EXPORT Class* objc_getClass(const char* name) {
    Lock lock(mutex);
    auto found = classes().find(name);
    return found == classes().end() ? nullptr : found->second;
}

EXPORT Class* object_getClass(id object) {
    return object == nullptr ? nullptr : object->isa;
}

EXPORT const Method* class_getInstanceMethod(Class* owner, SEL name) {
    Lock lock(mutex);
    return owner == nullptr ? nullptr : find(owner, name, false);
}

EXPORT const Method* class_getClassMethod(Class* owner, SEL name) {
    Lock lock(mutex);
    return owner == nullptr ? nullptr : find(owner->isa, name, true);
}

EXPORT const char* method_getTypeEncoding(const Method* method) {
    return method == nullptr ? nullptr : method->types.c_str();
}

EXPORT void* objc_autoreleasePoolPush() {
    pools.push_back(new Pool);
    return pools.back();
}

EXPORT void objc_autoreleasePoolPop(void* token) {
    if (std::find(pools.begin(), pools.end(), token) == pools.end()) {
        problem("objc_autoreleasePoolPop: the pool was pushed on another thread");
        return;
    }
    for (bool last = false; !last;) {
        Pool* pool = pools.back();
        pools.pop_back();
        for (id object : pool->objects) {
            release(object);
        }
        last = pool == token;
        delete pool;
    }
}

}
