package io.gemma4j;

/** A text as one vector: hidden states after the final norm, pooled and brought to length 1. */
final class TextEmbedding {
    private final double[] sum;
    private final Pooling pooling;

    private TextEmbedding(int width, Pooling pooling) {
        this.sum = new double[width];
        this.pooling = pooling;
    }

    static float[] of(Gemma4 model, int[] tokens, Pooling pooling) {
        TextEmbedding embedding = new TextEmbedding(model.hiddenWidth(), pooling);
        try (Session session = model.sessions().openOneWay(tokens.length)) {
            session.enter();
            try {
                session.text().feedHidden(tokens, (row, hidden) -> embedding.add(hidden));
            } finally {
                session.exit();
            }
        }
        return embedding.normalized();
    }

    private void add(float[] hidden) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] = pooling == Pooling.LAST ? hidden[i] : sum[i] + hidden[i];
        }
    }

    // The mean and the sum have the same direction.
    private float[] normalized() {
        double squares = 0;
        for (double value : sum) {
            squares += value * value;
        }
        if (!(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
            throw new Gemma4Exception("the hidden states of the text have no direction: the sum of their squares is " + squares);
        }
        float[] vector = new float[sum.length];
        double scale = 1 / Math.sqrt(squares);
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) (sum[i] * scale);
        }
        return vector;
    }
}
