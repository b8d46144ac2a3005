package io.gemma4j;

import io.gemma4j.BackendUnavailableException.Attempt;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the backends and opens the one that was asked for, or the best that works. */
final class BackendSelection {
    private static final Logger LOG = LoggerFactory.getLogger(Gemma4.class);

    private BackendSelection() {}

    static List<BackendProvider> installed() {
        // The library's own class loader sees the backends beside it, whatever the caller's context class loader is.
        ServiceLoader<BackendProvider> found = ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader());
        return found.stream().map(ServiceLoader.Provider::get).toList();
    }

    static ModelBackend open(Backend wanted, BackendOptions options, List<BackendProvider> providers) {
        String name = wanted.name().toLowerCase(Locale.ROOT);
        List<BackendProvider> candidates = providers.stream().filter(p -> wanted == Backend.AUTO || p.name().equals(name))
                .sorted(Comparator.comparingInt(BackendProvider::priority).reversed()).toList();
        List<Attempt> attempts = new ArrayList<>();
        for (BackendProvider candidate : candidates) {
            try {
                ModelBackend backend = candidate.open(options);
                log(wanted, backend, attempts);
                return backend;
            } catch (UnavailableException e) {
                LOG.debug("Backend {} is not available", candidate.name(), e);
                attempts.add(new Attempt(candidate.name(), e.getMessage()));
            }
        }
        if (attempts.isEmpty()) {
            attempts.add(new Attempt(name, "not on the class path or module path (gemma4j-" + name + ")"));
        }
        throw new BackendUnavailableException(name, attempts);
    }

    private static void log(Backend wanted, ModelBackend backend, List<Attempt> attempts) {
        String reasons = attempts.isEmpty() ? "" : " (" + String.join("; ", attempts.stream().map(a -> a.backend() + ": " + a.reason()).toList()) + ")";
        LOG.info("Running on {}, {}{}", backend.describe(), wanted == Backend.AUTO ? "the fastest backend available" : "as asked for", reasons);
    }
}
