package io.gemma4j.examples.hub;

import java.util.List;

/**
 * A state of a repository.
 *
 * @param commit 40 hexadecimal digits
 * @param files in it
 */
record HubRevision(String commit, List<HubFile> files) {}
