package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.CpuKernels;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(MetalDriver.class)
class PrototypeCheckTest {

    @Test
    void everyMessageIsWhatThisSystemTakesItFor() {
        MetalDevice.open().close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            v40@0:8@16Q24Q32                             | vpp p88
            @48@0:8^v16Q24Q32@?40                        | ppp p88p
            v64@0:8{?=QQQ}16{?=QQQ}40                    | vpp S24S24
            v64@0:8{MTLSize=QQQ}16{MTLSize=QQQ}40        | vpp S24S24
            B24@0:8q16                                   | 1pp 8
            c24@0:8q16                                   | 1pp 8
            r*16@0:8                                     | ppp
            Vv16@0:8                                     | vpp
            d16@0:8                                      | dpp
            @"NSString"40@0:8@"NSError"16^{__CFString=}24i32 | ppp pp4
            """)
    void aTypeEncodingIsReducedToKindsAndSizes(String encoding, String shape) {
        assertEquals(shape.replace(" ", ""), PrototypeCheck.shape(encoding));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            MTLComputeCommandEncoder | dispatchThreadgroups:threadsPerThreadgroup: | v@:QQQQQQ | v@:{?=QQQ}{?=QQQ}
            MTLComputeCommandEncoder | setBytes:length:atIndex:                    | v@:^vII   | v@:^vQQ
            MTLCommandBuffer         | status                                      | i@:       | Q@:
            MTLDevice                | newBufferWithLength:options:                | @@:QQQ    | @@:QQ
            NSString                 | UTF8String                                  | v@:       | *@:
            """)
    void aMethodOfAnotherTypeKeepsTheBackendFromOpening(String owner, String method, String wrong, String right) {
        FakeMetal fake = MetalDriver.fake();
        fake.setEncoding(owner, method, wrong);
        try {
            UnavailableException refusal =
                    assertThrows(UnavailableException.class, () -> new MetalBackendProvider().open(new BackendOptions(0, CpuKernels.AUTO)));
            assertTrue(refusal.getMessage().contains(owner + " " + method) && refusal.getMessage().contains(wrong), refusal.getMessage());
        } finally {
            fake.setEncoding(owner, method, right);
        }
    }

    @Test
    void aMethodThatThisSystemLacksIsNamed() {
        MetalDriver.fake();
        Message unknown = Message.toObject("MTLDevice", "noSuchMethod", null);
        String mismatch = PrototypeCheck.mismatch(unknown, ObjectiveC.classNamed("MTLDevice"));
        assertEquals("this system's Metal has no -[MTLDevice noSuchMethod]", mismatch);
    }

    @Test
    void everyMessageIsListedOnce() {
        Set<String> names = new HashSet<>();
        for (Message message : MetalMessages.all()) {
            assertTrue(names.add(message.toString()), message + " is listed twice");
        }
    }
}
