package io.gemma4j;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.MethodCallTarget;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.BaseStream;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Holds the arrows of docs/architecture.md: api to model to backend SPI, with the backends on the other side of the SPI. */
class ArchitectureTest {
    private static final String API = "io.gemma4j";
    private static final String[] FOUNDATION = {
        "io.gemma4j.gguf..", "io.gemma4j.tensor..", "io.gemma4j.tokenizer..", "io.gemma4j.sampling..", "io.gemma4j.os.."
    };
    private static final String SPI = "io.gemma4j.backend";
    private static final String CPU = "io.gemma4j.backend.cpu..";
    private static final String MODEL = "io.gemma4j.model..";
    private static final String CHAT = "io.gemma4j.chat..";
    private static final String GRAMMAR = "io.gemma4j.grammar..";
    private static final String QUANTIZE = "io.gemma4j.quantize..";

    private static final JavaClasses CORE =
            new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages(API);
    private static final Set<JavaClass> VOCABULARY = vocabulary();
    private static final DescribedPredicate<JavaClass> IN_VOCABULARY =
            describe("exceptions and values of the API that need only the JDK", c -> VOCABULARY.contains(outermost(c)));

    /** Exceptions, enums and records of the API package that need nothing but the JDK and each other: every layer may speak them. */
    private static Set<JavaClass> vocabulary() {
        Set<JavaClass> words = CORE.stream()
                .filter(c -> c.getPackageName().equals(API) && c.isTopLevelClass())
                .filter(c -> c.isEnum() || c.isRecord() || c.isAssignableTo(Throwable.class))
                .collect(Collectors.toCollection(HashSet::new));
        // One word less may leave another without what it needs.
        while (words.removeIf(word -> !CORE.stream()
                .filter(c -> outermost(c).equals(word))
                .flatMap(c -> c.getDirectDependenciesFromSelf().stream())
                .map(dependency -> outermost(dependency.getTargetClass()))
                .allMatch(target -> words.contains(target) || target.getPackageName().startsWith("java")))) {}
        return words;
    }

    private static JavaClass outermost(JavaClass nested) {
        JavaClass component = nested.getBaseComponentType();
        return component.getEnclosingClass().map(ArchitectureTest::outermost).orElse(component);
    }

    @Test
    void everyPackageBelongsToALayer() {
        String[] layered = Arrays.copyOf(FOUNDATION, FOUNDATION.length + 7);
        System.arraycopy(new String[] {API, SPI, CPU, MODEL, CHAT, GRAMMAR, QUANTIZE}, 0, layered, FOUNDATION.length, 7);
        classes().should().resideInAnyPackage(layered).check(CORE);
    }

    @Test
    void dependenciesPointDownTheLayers() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true)
                .layer("foundation").definedBy(FOUNDATION)
                .layer("spi").definedBy(SPI)
                .layer("cpu").definedBy(CPU)
                .layer("model").definedBy(MODEL)
                .layer("chat").definedBy(CHAT)
                .layer("grammar").definedBy(GRAMMAR)
                .layer("api").definedBy(API)
                .layer("quantize").definedBy(QUANTIZE)
                .whereLayer("quantize").mayNotBeAccessedByAnyLayer()
                .whereLayer("api").mayOnlyBeAccessedByLayers("quantize")
                .whereLayer("chat").mayOnlyBeAccessedByLayers("api", "grammar")
                .whereLayer("grammar").mayOnlyBeAccessedByLayers("api")
                .whereLayer("model").mayOnlyBeAccessedByLayers("api", "quantize")
                .whereLayer("cpu").mayNotBeAccessedByAnyLayer()
                .whereLayer("spi").mayOnlyBeAccessedByLayers("cpu", "model", "api")
                .ignoreDependency(resideInAPackage("io.gemma4j.."), IN_VOCABULARY)
                .check(CORE);
    }

    @Test
    void packagesFormNoCycle() {
        slices().assignedFrom(new SliceAssignment() {
                    @Override
                    public SliceIdentifier getIdentifierOf(JavaClass c) {
                        return SliceIdentifier.of(VOCABULARY.contains(outermost(c)) ? "vocabulary of the API" : c.getPackageName());
                    }

                    @Override
                    public String getDescription() {
                        return "packages";
                    }
                })
                .should().beFreeOfCycles()
                .check(CORE);
    }

    @Test
    void namesSayWhatAClassIsFor() {
        noClasses()
                .should().haveSimpleNameContaining("Util")
                .orShould().haveSimpleNameContaining("Helper")
                .orShould().haveSimpleNameEndingWith("Impl")
                .orShould().haveSimpleNameEndingWith("Manager")
                .check(CORE);
    }

    @Test
    void libraryNeitherPrintsNorExits() {
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CORE);
        noClasses()
                .should().callMethod(System.class, "exit", int.class)
                .orShould().callMethod(Runtime.class, "exit", int.class)
                .orShould().callMethod(Runtime.class, "halt", int.class)
                .check(CORE);
    }

    @Test
    void libraryLeavesTheCommonPoolToTheApplication() {
        noClasses()
                .should().callMethodWhere(describe("the call runs work on the common ForkJoinPool", ArchitectureTest::usesTheCommonPool))
                .check(CORE);
    }

    private static boolean usesTheCommonPool(JavaMethodCall call) {
        MethodCallTarget target = call.getTarget();
        JavaClass owner = target.getOwner();
        String method = target.getName();
        if (owner.isAssignableTo(CompletableFuture.class)) {
            // Each such method has a twin that takes the executor to use.
            return method.endsWith("Async") && target.getRawParameterTypes().stream().noneMatch(p -> p.getSimpleName().equals("Executor"));
        }
        return method.equals("commonPool") && owner.isAssignableTo(ForkJoinPool.class)
                || method.equals("parallelStream")
                || method.equals("parallel") && owner.isAssignableTo(BaseStream.class)
                || method.startsWith("parallel") && owner.isEquivalentTo(Arrays.class);
    }

    @Test
    void onlyTheOperatingSystemPackageUsesJna() {
        noClasses()
                .that(resideOutsideOfPackage("io.gemma4j.os.."))
                .should().dependOnClassesThat().resideInAPackage("com.sun.jna..")
                .check(CORE);
    }
}
