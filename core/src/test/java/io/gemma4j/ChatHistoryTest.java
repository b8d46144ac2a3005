package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A long conversation whose history is edited again and again. */
@Timeout(300)
class ChatHistoryTest {
    private static final int TURNS = 100;

    @Test
    void hundredTurnsWithEditedHistoryAreAnsweredAsIfReadAnew() throws Exception {
        Random random = new Random(1);
        long promptTokens = 0;
        long cachedTokens = 0;
        LoadOptions options = MiniModels.options().kvType(KvType.F32).contextTokens(512).prefillTokens(16).cpuKernels(CpuKernels.VECTOR);
        try (Gemma4 model = Gemma4.load(MiniModels.DENSE.model(), options); Chat chat = chat(model, List.of())) {
            for (int turn = 0; turn < TURNS; turn++) {
                List<Message> history = new ArrayList<>(chat.messages());
                if (random.nextInt(3) == 0 && history.size() > 1 || history.size() > 20) {
                    edit(history, random);
                    chat.messages(history);
                }
                String question = "Question " + random.nextInt(1000) + " of turn " + turn;
                Reply reply = chat.send(question);
                promptTokens += reply.usage().promptTokens();
                cachedTokens += reply.usage().cachedTokens();
                try (Chat fresh = chat(model, history)) {
                    assertEquals(fresh.send(question).text(), reply.text(), "turn " + turn);
                }
            }
        }
        assertTrue(cachedTokens > promptTokens * 3 / 4, cachedTokens + " of " + promptTokens + " tokens were held already");
    }

    private static Chat chat(Gemma4 model, List<Message> history) {
        return model.chat().messages(history).sampling(s -> s.temperature(0)).maxTokens(6).build();
    }

    /** Goes back to the end of an earlier turn, and may say something else there. */
    private static void edit(List<Message> history, Random random) {
        int turns = 1 + random.nextInt(history.size() / 2);
        history.subList(2 * turns, history.size()).clear();
        if (random.nextBoolean()) {
            history.set(2 * turns - 1, Message.model("Something else " + random.nextInt(100)));
        }
    }
}
