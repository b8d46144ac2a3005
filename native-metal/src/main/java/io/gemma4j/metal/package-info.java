/**
 * The backend for Apple GPUs: Metal through the Objective-C runtime, with the kernels as shader sources that Metal compiles on the machine.
 * Applications have no need of anything in here; they choose the backend in their load options.
 */
package io.gemma4j.metal;
