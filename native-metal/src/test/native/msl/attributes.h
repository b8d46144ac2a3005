// The rewriter turns [[name(n)]] into MSL_ATTR_name(n). After a parameter that is its default argument, an object which converts to what the
// parameter may be: a kernel called without arguments binds all of them.
#pragma once

namespace msl {

#ifdef MSL_STRICT

template <int n> struct buffer {
    static_assert(n >= 0 && n <= 30, "buffers have the indices 0 to 30");
    template <class T> operator __global T*() const;
    template <class T> operator const __constant T*() const;
    template <class T> operator __global T&() const;
    template <class T> operator const __constant T&() const;
};
template <int n> struct threadgroup_memory {
    static_assert(n >= 0 && n <= 30, "threadgroup memory has the indices 0 to 30");
    template <class T> operator __local T*() const;
};
// Templates, so that no second conversion to another number follows.
template <class T> constexpr constant bool is_index = metal::is_same_v<T, uint> || metal::is_same_v<T, ushort>;
template <class T> constexpr constant bool is_position = is_index<T> || metal::is_same_v<T, uint2> || metal::is_same_v<T, ushort2>
        || metal::is_same_v<T, uint3> || metal::is_same_v<T, ushort3>;
struct index { template <class T, class = metal::enable_if_t<is_index<T>>> operator T() const; };
struct position { template <class T, class = metal::enable_if_t<is_position<T>>> operator T() const; };
#define MSL_INDEX(name, formula) typedef index name;
#define MSL_POSITION(name, formula) typedef position name;
#define MSL_ATTR_function_constant(n) = 0

#else

template <class T> struct is_pointer { static const bool value = false; };
template <class T> struct is_pointer<T*> { static const bool value = true; };
template <int n> struct buffer {
    template <class T> operator T*() const { return (T*)msl_buffer(n); }
    template <class T, class = metal::enable_if_t<!is_pointer<T>::value>> operator T&() const { return *(T*)msl_buffer(n); }
};
template <int n> struct threadgroup_memory {
    template <class T> operator T*() const { return (T*)msl_threadgroup_memory(n); }
};
#define MSL_INDEX(name, formula)                                                       \
    struct name {                                                                      \
        static uint get() { const msl_thread* t = msl_current_thread(); return formula; } \
        operator uint() const { return get(); }                                        \
        operator ushort() const { return (ushort)get(); }                              \
    };
#define MSL_POSITION(name, formula)                                                                   \
    struct name {                                                                                     \
        static uint get(int i) { const msl_thread* t = msl_current_thread(); return formula; }        \
        operator uint() const { return get(0); }                                                      \
        operator ushort() const { return (ushort)get(0); }                                            \
        operator uint2() const { return uint2{get(0), get(1)}; }                                      \
        operator uint3() const { return uint3{get(0), get(1), get(2)}; }                              \
        operator ushort2() const { return ushort2{(ushort)get(0), (ushort)get(1)}; }                  \
        operator ushort3() const { return ushort3{(ushort)get(0), (ushort)get(1), (ushort)get(2)}; }  \
    };
// Set when the library is loaded, in the order of the source, so that constants may follow from others.
template <int n> struct function_constant {
    template <class T> operator T() const {
        T value = T();
        msl_function_constant(n, &value, sizeof value);
        return value;
    }
};
#define MSL_ATTR_function_constant(n) = msl::function_constant<n>{}
#define MSL_THREADGROUP_VARIABLE(T, name, dimensions) \
    typedef T name##_msl_type dimensions;             \
    static char name##_msl_key;                       \
    name##_msl_type& name = *(name##_msl_type*)msl_threadgroup_variable(&name##_msl_key, sizeof(name##_msl_type))

#endif

MSL_INDEX(thread_index_in_simdgroup, t->lane)
MSL_INDEX(simdgroup_index_in_threadgroup, t->simdgroup)
MSL_INDEX(thread_index_in_threadgroup, t->index)
MSL_INDEX(threads_per_simdgroup, ((void)t, 32u))
MSL_INDEX(simdgroups_per_threadgroup, (t->threads[0] * t->threads[1] * t->threads[2] + 31) / 32)
MSL_POSITION(thread_position_in_threadgroup, t->position[i])
MSL_POSITION(threadgroup_position_in_grid, t->group[i])
MSL_POSITION(threads_per_threadgroup, t->threads[i])
MSL_POSITION(threadgroups_per_grid, t->groups[i])
MSL_POSITION(thread_position_in_grid, t->group[i] * t->threads[i] + t->position[i])
MSL_POSITION(threads_per_grid, t->groups[i] * t->threads[i])

}

#define MSL_ATTR_buffer(n) = msl::buffer<n>{}
#define MSL_ATTR_threadgroup(n) = msl::threadgroup_memory<n>{}
#define MSL_ATTR_thread_index_in_simdgroup() = msl::thread_index_in_simdgroup{}
#define MSL_ATTR_simdgroup_index_in_threadgroup() = msl::simdgroup_index_in_threadgroup{}
#define MSL_ATTR_thread_index_in_threadgroup() = msl::thread_index_in_threadgroup{}
#define MSL_ATTR_threads_per_simdgroup() = msl::threads_per_simdgroup{}
#define MSL_ATTR_simdgroups_per_threadgroup() = msl::simdgroups_per_threadgroup{}
#define MSL_ATTR_thread_position_in_threadgroup() = msl::thread_position_in_threadgroup{}
#define MSL_ATTR_threadgroup_position_in_grid() = msl::threadgroup_position_in_grid{}
#define MSL_ATTR_threads_per_threadgroup() = msl::threads_per_threadgroup{}
#define MSL_ATTR_threadgroups_per_grid() = msl::threadgroups_per_grid{}
#define MSL_ATTR_thread_position_in_grid() = msl::thread_position_in_grid{}
#define MSL_ATTR_threads_per_grid() = msl::threads_per_grid{}
#define MSL_ATTR_max_total_threads_per_threadgroup(n)
#define MSL_ATTR_maybe_unused() __attribute__((unused))
