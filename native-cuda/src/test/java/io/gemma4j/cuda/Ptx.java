package io.gemma4j.cuda;

import java.nio.charset.StandardCharsets;

/** Small kernels that need no compiler but the driver's. */
final class Ptx {
    /** {@code axpy(float* y, const float* x, float a, int n)}: {@code y[i] += a * x[i]}. {@code wide(long long* out, long long value)}: stores. */
    static final byte[] MODULE = """
            .version 7.8
            .target sm_80
            .address_size 64

            .visible .entry axpy(.param .u64 y, .param .u64 x, .param .f32 a, .param .u32 n)
            {
                .reg .pred %p;
                .reg .b32 %i, %t, %n;
                .reg .b64 %y, %x, %o;
                .reg .f32 %a, %f, %g;
                mov.u32 %i, %ctaid.x;
                mov.u32 %t, %ntid.x;
                mul.lo.u32 %i, %i, %t;
                mov.u32 %t, %tid.x;
                add.u32 %i, %i, %t;
                ld.param.u32 %n, [n];
                setp.ge.u32 %p, %i, %n;
                @%p ret;
                ld.param.u64 %y, [y];
                ld.param.u64 %x, [x];
                ld.param.f32 %a, [a];
                mul.wide.u32 %o, %i, 4;
                add.u64 %y, %y, %o;
                add.u64 %x, %x, %o;
                ld.global.f32 %f, [%x];
                ld.global.f32 %g, [%y];
                fma.rn.f32 %g, %a, %f, %g;
                st.global.f32 [%y], %g;
                ret;
            }

            .visible .entry wide(.param .u64 out, .param .u64 value)
            {
                .reg .b64 %o, %v;
                ld.param.u64 %o, [out];
                ld.param.u64 %v, [value];
                st.global.u64 [%o], %v;
                ret;
            }
            """.getBytes(StandardCharsets.US_ASCII);

    private Ptx() {}
}
