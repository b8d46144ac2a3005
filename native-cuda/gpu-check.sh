#!/bin/sh
# Runs the tests of this module on a machine that has a GPU but neither Maven nor Java.
#
#   native-cuda/gpu-check.sh pack FOLDER          where the project builds: puts a Java runtime, classes and libraries into FOLDER
#   native-cuda/gpu-check.sh run FOLDER [options] where the GPU is, in the same source tree: runs the tests and prints a table; options are those of
#                                                 the JUnit console, e.g. --include-classname '.*Golden.*'. Without any, and where there is a
#                                                 compute-sanitizer, it also watches the first tokens of the bundled models, and blocks that pass
#                                                 data through shared memory, for bad accesses, races, and reads of what was never written. Larger models are from
#                                                 ../shared/fixtures beside the source tree, if that is there.
#   native-cuda/gpu-check.sh rates FOLDER         likewise: prints how fast the mat-vecs of one token read the matrices of the 31B model
#
# JAVA_HOME names a JDK 25 for "pack"; MAVEN_FLAGS are handed to Maven, e.g. -Dcuda.arch=90a.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mode=${1:?pack, run or rates}
folder=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)
flags='--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED'
classpath="$folder/classes/main:$folder/classes/test:$folder/classes/core:$folder/lib/*"

pack() {
    # shellcheck disable=SC2086
    (cd "$here/.." && ./mvnw -q -B -ntp -pl native-cuda -am test-compile ${MAVEN_FLAGS:-} dependency:build-classpath \
        -Dmdep.outputFile="$folder/classpath" -Dmdep.includeScope=test)
    rm -rf "$folder/lib" "$folder/classes"
    mkdir -p "$folder/lib" "$folder/classes"
    tr ':' '\n' < "$folder/classpath" | while read -r entry || [ -n "$entry" ]; do
        case $entry in
            */org/junit/*|*/opentest4j/*|*/apiguardian/*) ;; # part of the console
            *.jar) cp "$entry" "$folder/lib" ;;
        esac
    done
    rm "$folder/classpath"
    version=$(sed -n 's/.*<junit.version>\(.*\)<.*/\1/p' "$here/../pom.xml")
    (cd "$here/.." && ./mvnw -q -B -ntp -N dependency:copy -DoutputDirectory="$folder/lib" \
        -Dartifact="org.junit.platform:junit-platform-console-standalone:$version")
    cp -r "$here/../core/target/classes" "$folder/classes/core"
    cp -r "$here/target/classes" "$folder/classes/main"
    cp -r "$here/target/test-classes" "$folder/classes/test"
    if [ ! -e "$folder/runtime.txz" ]; then
        "${JAVA_HOME:?a JDK 25}/bin/jlink" --strip-debug --no-man-pages --no-header-files --compress zip-0 --output "$folder/runtime" \
            --add-modules java.base,jdk.incubator.vector,java.logging,java.management,jdk.management,jdk.jfr,jdk.unsupported,java.xml
        tar -C "$folder" -cJf "$folder/runtime.txz" runtime
        rm -r "$folder/runtime"
    fi
}

unpack() {
    runtime=$(mktemp -d)
    trap 'rm -r "$runtime"' EXIT
    tar -C "$runtime" -xJf "$folder/runtime.txz"
    cd "$here" # where Maven runs the tests, too
}

run() {
    unpack
    failed=0
    printf '%-30s %s\n' check result > "$runtime/table"
    console tests all --details tree "$@"
    if [ $# -eq 0 ] && command -v compute-sanitizer > "$runtime/sanitizer"; then
        # Class by class: under racecheck one may take minutes, and what has ended is known then.
        for class in CudaFirstTokens PerLayerEmbedding DerivedKeys CompressedCache; do
            for tool in memcheck racecheck initcheck; do
                console "$tool" "$class" --details summary --include-classname ".*\.${class}Test"
            done
        done
    fi
    cat "$runtime/table"
    return "$failed"
}

# console NAME CLASSES OPTIONS...: one run of the tests, under the sanitizer's tool of that name unless it is "tests", and its line of the table.
console() {
    name=$1
    classes=$2
    shift 2
    set -- org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --scan-classpath "$folder/classes/test" "$@"
    # What tests repeat in the hope of a race, a sanitizer finds the first time, and takes long for.
    [ "$name" = tests ] || set -- -Dgemma4j.test.repetitions=2 "$@"
    # shellcheck disable=SC2086
    set -- "$runtime/runtime/bin/java" $flags -cp "$classpath" "$@"
    if [ "$name" != tests ]; then
        set -- --tool "$name" --error-exitcode 3 "$@"
        # A call that the driver refuses throws where that matters: how many arguments a kernel has is asked until there are no more.
        [ "$name" != memcheck ] || set -- --report-api-errors no "$@"
        set -- compute-sanitizer "$@"
    fi
    status=0
    "$@" > "$runtime/log" 2>&1 || status=$?
    cat "$runtime/log"
    [ "$status" -eq 0 ] || failed=1
    counts=$(sed -n 's/^\[ *\([0-9]*\) tests \(successful\|failed\|skipped\).*/\1 \2/p' "$runtime/log" | paste -sd , -)
    case $status in
        0) outcome=clean ;;
        3) outcome='errors of the sanitizer' ;;
        *) outcome=failed ;;
    esac
    printf '%-30s %s: %s\n' "$name $classes" "$outcome" "$counts" | tee -a "$runtime/table"
}

rates() {
    unpack
    # shellcheck disable=SC2086
    "$runtime/runtime/bin/java" $flags -cp "$classpath" io.gemma4j.cuda.MatvecRates
}

case $mode in
    pack) pack ;;
    run) shift 2; run "$@" ;;
    rates) rates ;;
    *) echo "pack, run or rates, not $mode" >&2; exit 2 ;;
esac
