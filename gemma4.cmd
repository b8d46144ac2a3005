@echo off
rem The gemma4 command line: finds a JDK, builds what is missing, runs. All arguments go to the program.
rem   JAVA_HOME     the JDK to prefer
rem   GEMMA4J_OPTS  more JVM flags, separated by spaces
setlocal DisableDelayedExpansion
set "root=%~dp0"
set "jar=%root%examples\target\gemma4j-examples.jar"

set "jdk="
if defined JAVA_HOME call :try "%JAVA_HOME%"
for /f "delims=" %%j in ('where java 2^>nul') do call :try "%%~dpj.."
for %%p in ("%ProgramFiles%" "%LocalAppData%\Programs") do (
    for %%v in ("Eclipse Adoptium" Java Microsoft Zulu "Amazon Corretto" BellSoft SapMachine GraalVM OpenJDK) do (
        for /d %%h in ("%%~p\%%~v\*") do call :try "%%~h"
    )
)
for /d %%h in ("%UserProfile%\.jdks\*" "%UserProfile%\.sdkman\candidates\java\*" "%UserProfile%\scoop\apps\*jdk*") do (
    call :try "%%~h"
    call :try "%%~h\current"
)
if not defined jdk (
    >&2 echo gemma4: no JDK 25 or newer found: install one, e.g. Temurin 25 from https://adoptium.net, or set JAVA_HOME to where it is
    exit /b 1
)
set "JAVA_HOME=%jdk%"

rem Exit status 0 of the check: the jar is there and as new as every source, project file and source folder.
powershell -NoProfile -Command "$j = Get-Item -LiteralPath $env:jar -ErrorAction SilentlyContinue; if (-not $j) { exit 1 }; Set-Location -LiteralPath $env:root; $s = @(Get-Item pom.xml, *\pom.xml) + @(Get-ChildItem *\src\main -Recurse); if ($s | Where-Object { $_.LastWriteTimeUtc -gt $j.LastWriteTimeUtc } | Select-Object -First 1) { exit 1 }"
if errorlevel 1 (
    call :build || exit /b 1
)

"%JAVA_HOME%\bin\java.exe" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED %GEMMA4J_OPTS% -cp "%jar%" io.gemma4j.examples.cli.Gemma4Cli %*
exit /b %ERRORLEVEL%

:try
rem A full JDK of version 25 or newer says so in its release file: no need to start it.
if defined jdk exit /b 0
if not exist "%~1\release" exit /b 0
if not exist "%~1\bin\java.exe" exit /b 0
if not exist "%~1\bin\javac.exe" exit /b 0
rem Split at quotes and dots: JAVA_VERSION="25.0.3".
set "version=0"
for /f tokens^=2^ delims^=.^" %%v in ('findstr /b "JAVA_VERSION=" "%~1\release"') do set "version=%%v"
if %version% geq 25 set "jdk=%~f1"
exit /b 0

:build
>&2 echo gemma4: building, which takes a minute the first time ...
pushd "%root%"
rem Nothing of the build may reach standard output, or eat a prompt on standard input.
call mvnw.cmd -q -B -ntp "-Dmaven.test.skip=true" "-Dmaven.javadoc.skip=true" "-Dmaven.source.skip=true" -pl examples -am package <nul 1>&2
set "status=%ERRORLEVEL%"
popd
if not "%status%"=="0" (
    >&2 echo gemma4: the build failed
    exit /b 1
)
rem The jar is rewritten only if its own content changed; its time says when it was last found current.
powershell -NoProfile -Command "(Get-Item -LiteralPath $env:jar).LastWriteTimeUtc = [DateTime]::UtcNow"
exit /b 0
