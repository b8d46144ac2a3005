package io.gemma4j.backend;

/**
 * The operations of the forward pass. Each works on the first {@code rows} rows of its activations; everything is 32-bit float unless a
 * weight or cache says otherwise. Calls of one backend are made by one thread at a time.
 */
public interface Operations {

    /** {@code out[r][c] = scale * table[token(r)][firstColumn + c]}. */
    void embed(Weight table, Step step, int firstColumn, float scale, Activations out);

    /** {@code out[r][n] = sum_k in[r][k] * weight[n][k]}. */
    void matmul(Weight weight, Activations in, Activations out, int rows);

    /**
     * Root-mean-square norm of each of {@code groups} equal parts of a row: {@code out = in / sqrt(mean(in^2) + epsilon) * norm}. May work in
     * place.
     *
     * @param norm as wide as one part, or null for no weight
     */
    void rmsNorm(Activations in, Weight norm, int groups, float epsilon, Activations out, int rows);

    /** {@code residual += rmsNorm(in) * norm}. */
    void addRmsNorm(Activations in, Weight norm, float epsilon, Activations residual, int rows);

    /** Turns the pairs of every head of every row, in place, by the angles of the row's position. */
    void ropeHalfSplit(Activations heads, Step step, RopeFrequencies rope);

    /** Stores the keys and values {@code [rows][kvHeads * headDim]} of a step in the caches of layer {@code owner}. */
    void kvUpdate(Activations keys, Activations values, Step step, int owner);

    /**
     * {@code softmax(q k^T) v} over the cached positions {@code max(0, p - window + 1) .. p} of layer {@code owner}, {@code p} being the
     * position of the row. The scale is 1: the norms of queries and keys have absorbed it.
     *
     * @param queries {@code [rows][heads * headDim]}
     * @param window positions a query sees, itself included
     * @param out {@code [rows][heads * headDim]}
     */
    void attention(Activations queries, Step step, int owner, int heads, int window, Activations out);

    /** {@code out = geluTanh(gate) * up}; {@code out} may be {@code gate}. */
    void geglu(Activations gate, Activations up, Activations out, int rows);

    /** {@code x = (x + y) * scale}. */
    void add(Activations x, Activations y, float scale, int rows);

    /** {@code x *= scale}. */
    void scale(Activations x, float scale, int rows);

    /** {@code out[r] = in[r]}. */
    void copy(Activations in, Activations out, int rows);

    /** {@code out[i] = in[step.logitRow(i)]} for every row that wants logits; {@code out} may be {@code in}. */
    void gatherLogitRows(Activations in, Step step, Activations out);

    /**
     * Softmax over the router's logits {@code [rows][experts]}, the largest few of each row (ties to the lower index), made to sum to 1, times
     * {@code expertScale[expert]}.
     */
    void routeExperts(Activations routerLogits, Weight expertScale, Routing routing, int rows);

    /**
     * {@code out[r * k + j] = experts[routing[r][j]] * in}, {@code k} experts per row; {@code in} has a row for each {@code (r, j)} or one for
     * each {@code r}.
     *
     * @param experts the experts' matrices, one after the other, {@code out.width()} rows each
     */
    void expertMatmul(Weight experts, Activations in, boolean inputPerExpert, Routing routing, Activations out, int rows);

    /** {@code out[r] = sum_j weight[r][j] * in[r * k + j]}. */
    void combineExperts(Activations in, Routing routing, Activations out, int rows);

    /** {@code x = cap * tanh(x / cap)}. */
    void softcap(Activations x, float cap, int rows);

    /** Copies one row to the Java heap. */
    void read(Activations in, int row, float[] out);
}
