/** What the library asks of the operating system: how much memory there is, and to keep pages in it. */
package io.gemma4j.os;
