// NSObject, NSString, NSError and NSArray.
#include "objc.h"

namespace objc {

namespace {

struct Error : Object {
    std::string text;

    explicit Error(std::string text) : Object(classNamed("NSError")), text(std::move(text)) {}
};

struct Array : Object {
    std::vector<id> objects;

    explicit Array(std::vector<id> contents) : Object(classNamed("NSArray")), objects(std::move(contents)) {
        for (id object : objects) {
            retain(object);
        }
    }
    ~Array() override {
        for (id object : objects) {
            release(object);
        }
    }
};

}

id string(const std::string& text) {
    return autorelease(make<String>(text));
}

id makeError(const std::string& text) {
    return autorelease(make<Error>(text));
}

void setError(id* error, const std::string& text) {
    if (error != nullptr) {
        *error = makeError(text);
    }
}

id makeArray(const std::vector<id>& objects) {
    return make<Array>(objects);
}

void defineFoundation() {
    define("NSObject", "-retain", +[](Object* self, SEL) -> id {
        retain(self);
        return self;
    });
    define("NSObject", "-release", +[](Object* self, SEL) { release(self); });
    define("NSObject", "-respondsToSelector:", +[](Object* self, SEL, const void* name) -> bool {
        return self->isa->methods.contains(static_cast<SEL>(name)) || classNamed("NSObject")->methods.contains(static_cast<SEL>(name));
    });
    // The runtime writes selectors as ":".
    classNamed("NSObject")->methods[selector("respondsToSelector:")].types = "B@::";
    define("NSString", "+stringWithUTF8String:", +[](Object*, SEL, const char* text) -> id {
        if (text == nullptr) {
            problem("stringWithUTF8String: the text is NULL");
            return nullptr;
        }
        return string(text);
    });
    define("NSString", "-UTF8String", +[](String* self, SEL) -> const char* { return self->text.c_str(); });
    define("NSError", "-localizedDescription", +[](Error* self, SEL) -> id { return string(self->text); });
    define("NSArray", "-count", +[](Array* self, SEL) -> NSUInteger { return self->objects.size(); });
    define("NSArray", "-objectAtIndex:", +[](Array* self, SEL, NSUInteger index) -> id {
        if (index >= self->objects.size()) {
            problem("objectAtIndex: %lu of %zu", index, self->objects.size());
            return nullptr;
        }
        return self->objects[index];
    });
}

}
