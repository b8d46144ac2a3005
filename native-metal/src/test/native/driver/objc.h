// Objective-C objects, classes and messages, as far as a program that uses Metal meets them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace objc {

using SEL = const char*;
using NSUInteger = uint64_t;
using NSInteger = int64_t;

struct Class;

struct Object {
    Class* isa;
    std::atomic<int> references{1};

    explicit Object(Class* isa) : isa(isa) {}
    virtual ~Object() = default;
};

using id = Object*;

struct Method {
    void* implementation;
    std::string types;
};

// A class or a protocol; class methods are those of `isa`.
struct Class : Object {
    std::string name;
    std::map<SEL, Method> methods;

    Class(Class* meta, std::string name) : Object(meta), name(std::move(name)) {}
};

struct Size {
    NSUInteger width;
    NSUInteger height;
    NSUInteger depth;

    NSUInteger product() const { return width * height * depth; }
};

// Remembers a wrong use of the interface.
void problem(const char* format, ...) __attribute__((format(printf, 1, 2)));

Class* classNamed(const std::string& name);
SEL selector(const std::string& name);

// Whether it is an object that has not been freed; says so otherwise.
bool isLive(id object, const char* use);

void retain(id object);
void release(id object);
id autorelease(id object);
void born(id object);

template <typename T, typename... Arguments> T* make(Arguments&&... arguments) {
    T* object = new T(std::forward<Arguments>(arguments)...);
    born(object);
    return object;
}

// The argument of a message, or null if it is no live object of that class.
template <typename T> T* expect(id object, const char* use) {
    if (object == nullptr) {
        problem("%s: an object is nil", use);
        return nullptr;
    }
    if (!isLive(object, use)) {
        return nullptr;
    }
    T* expected = dynamic_cast<T*>(object);
    if (expected == nullptr) {
        problem("%s: a %s is of the wrong class", use, object->isa->name.c_str());
    }
    return expected;
}

// How the runtime writes a type, so that a method's description cannot differ from its code.
template <typename T> std::string encoding() {
    if constexpr (std::is_void_v<T>) return "v";
    else if constexpr (std::is_same_v<T, bool>) return "B";
    else if constexpr (std::is_same_v<T, uint8_t>) return "C";
    else if constexpr (std::is_same_v<T, double>) return "d";
    else if constexpr (std::is_same_v<T, NSUInteger>) return "Q";
    else if constexpr (std::is_same_v<T, NSInteger>) return "q";
    else if constexpr (std::is_same_v<T, const char*>) return "*";
    else if constexpr (std::is_same_v<T, Size>) return "{?=QQQ}";
    else if constexpr (std::is_same_v<T, id*>) return "^@";
    else if constexpr (std::is_same_v<T, void*> || std::is_same_v<T, const void*>) return "^v";
    else {
        static_assert(std::is_base_of_v<Object, std::remove_pointer_t<T>>, "no encoding for this type");
        return "@";
    }
}

// `name` begins with + for a class method, - for an instance method.
template <typename Result, typename Self, typename... Arguments>
void define(const char* owner, const char* name, Result (*implementation)(Self*, SEL, Arguments...)) {
    Class* target = classNamed(owner);
    if (*name == '+') {
        target = target->isa;
    }
    std::string types = encoding<Result>() + "@:" + (std::string() + ... + encoding<Arguments>());
    target->methods[selector(name + 1)] = {reinterpret_cast<void*>(implementation), types};
}

struct String : Object {
    std::string text;

    explicit String(std::string text) : Object(classNamed("NSString")), text(std::move(text)) {}
};

id string(const std::string& text);
void setError(id* error, const std::string& text);
id makeError(const std::string& text);
id makeArray(const std::vector<id>& objects);

void defineFoundation();

std::string takeProblems();
std::string liveObjects();

}
