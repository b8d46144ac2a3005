/** llama.cpp, through its C interface: the peer that this library is measured against. */
package io.gemma4j.bench.llamacpp;
