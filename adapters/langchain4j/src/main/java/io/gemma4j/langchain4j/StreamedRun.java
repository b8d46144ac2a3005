package io.gemma4j.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import io.gemma4j.Chat;
import io.gemma4j.FinishReason;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/** An answer on its way to a handler. What the handler throws goes to its {@code onError} and does not end the answer, as LangChain4j has it. */
final class StreamedRun implements Runnable, StreamingHandle {
    private final ChatRequestRun request;
    private final IdleSession idle;
    private final StreamingChatResponseHandler handler;
    private final List<ToolExecutionRequest> calls = new ArrayList<>();
    private volatile Chat running;
    private volatile boolean cancelled;

    StreamedRun(ChatRequestRun request, IdleSession idle, StreamingChatResponseHandler handler) {
        this.request = request;
        this.idle = idle;
        this.handler = handler;
    }

    @Override
    public void run() {
        Reply reply;
        try {
            reply = answer();
        } catch (RuntimeException | Error e) {
            fail(e);
            return;
        }
        if (!cancelled) {
            finish(reply);
        }
    }

    private Reply answer() {
        Session session = idle.take();
        try (Chat chat = request.open(session)) {
            running = chat;
            return chat.stream(List.of(), this::deliver);
        } finally {
            idle.giveBack(session);
        }
    }

    private void deliver(Chat.Event event) {
        if (cancelled) {
            running.cancel(); // once more, in case it was cancelled before it began
            return;
        }
        switch (event) {
            case Chat.Event.Text(String text, _) -> {
                if (!request.textIsCall()) {
                    InternalStreamingChatResponseHandlerUtils.onPartialResponse(handler, text, this);
                }
            }
            case Chat.Event.Thinking(String text) -> InternalStreamingChatResponseHandlerUtils.onPartialThinking(handler, text, this);
            case Chat.Event.ToolCall(var call) -> deliver(call);
            case Chat.Event.Done done -> {}
        }
    }

    private void deliver(Message.ToolCall call) {
        calls.add(ChatRequestRun.toolRequest(call));
        InternalStreamingChatResponseHandlerUtils.onCompleteToolCall(handler, new CompleteToolCall(calls.size() - 1, calls.getLast()));
    }

    private void finish(Reply reply) {
        if (reply.finishReason() == FinishReason.CANCELLED) {
            fail(new CancellationException("the answer was interrupted, or its model closed"));
            return;
        }
        Reply complete = request.complete(reply);
        complete.toolCalls().stream().skip(calls.size()).forEach(this::deliver);
        InternalStreamingChatResponseHandlerUtils.onCompleteResponse(handler, request.response(complete, calls));
    }

    private void fail(Throwable failure) {
        if (!cancelled) {
            InternalStreamingChatResponseHandlerUtils.withLoggingExceptions(() -> handler.onError(failure));
        }
    }

    @Override
    public void cancel() {
        cancelled = true;
        if (running != null) {
            running.cancel();
        }
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }
}
