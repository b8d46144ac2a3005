/** What a kernel of the CPU backend computes, and the plain Java that says what that means. */
package io.gemma4j.backend.cpu.kernel;
