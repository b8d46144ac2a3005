package io.gemma4j.metal;

import io.gemma4j.OutOfDeviceMemoryException;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;

/**
 * Opens the Metal backend on the system's default GPU, once a self-test has shown that it computes what it should. Thread-safe.
 */
public final class MetalBackendProvider implements BackendProvider {
    /** For the service loader. */
    public MetalBackendProvider() {}

    @Override
    public String name() {
        return "metal";
    }

    @Override
    public int priority() {
        return 90;
    }

    @Override
    public ModelBackend open(BackendOptions options) throws UnavailableException {
        if (ObjectiveC.unavailable() != null) {
            throw new UnavailableException(ObjectiveC.unavailable());
        }
        try {
            return open(MetalDevice.open(), options.modelBytes());
        } catch (MetalException | OutOfDeviceMemoryException e) {
            throw new UnavailableException(e.getMessage(), e);
        }
    }

    private static ModelBackend open(MetalDevice device, long modelBytes) throws UnavailableException {
        try {
            if (device.workingSetBytes() < modelBytes) {
                throw new UnavailableException(device.name() + " has too little memory: the model takes " + modelBytes + " bytes, its GPU up to "
                        + device.workingSetBytes());
            }
        } catch (UnavailableException e) {
            device.close();
            throw e;
        }
        MetalBackend backend = new MetalBackend(device, modelBytes);
        try {
            MetalSelfTest.run(backend);
            return backend;
        } catch (RuntimeException e) {
            backend.close();
            throw e;
        }
    }
}
