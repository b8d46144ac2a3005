/** Gemma 4 models as models of LangChain4j. They borrow a {@link io.gemma4j.Gemma4} and never close it. */
package io.gemma4j.langchain4j;
