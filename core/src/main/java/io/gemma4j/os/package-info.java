/** What the library asks of the operating system: how much memory and how many cores there are, and to keep pages in memory. */
package io.gemma4j.os;
