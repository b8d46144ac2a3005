package io.gemma4j.examples.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.get_json_object;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.trim;

import java.util.concurrent.Callable;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Answers prompts with Spark. The input is JSON lines as for {@code gemma4 batch}; the output is a folder of JSON lines. Rows that have an answer there are not
 * answered again, so that a job that was killed goes on with what its finished tasks have left. Rows that are equal are answered once.
 */
@Command(name = "spark-batch", mixinStandardHelpOptions = true, description = "Answers each line of a dataset.")
public final class SparkBatch implements Callable<Integer> {
    /** Hexadecimal digits of a row's hash in its answer. */
    private static final int HASH_DIGITS = 16;
    private static final int SHA_BITS = 256;

    @Parameters(index = "0", paramLabel = "IN", description = "JSON lines: files that Spark can read.")
    private String in;

    @Parameters(index = "1", paramLabel = "OUT", description = "Folder for the answers; those that it has already are kept.")
    private String out;

    @Option(names = "--model", required = true, paramLabel = "FILE|hf:OWNER/REPO[:QUANT]", description = "The model, as every machine knows it.")
    private String model;

    @Option(names = "--partitions", paramLabel = "N", description = "Pieces that are answered and kept one by one. Default: as Spark reads the input.")
    private Integer partitions;

    @Option(names = "--max-tokens", paramLabel = "N", description = "End an answer after N tokens.")
    private int maxTokens = Integer.MAX_VALUE;

    @Option(names = "--temperature", paramLabel = "T", description = "How much chance has a say. Default: as the model recommends.")
    private Float temperature;

    private SparkBatch() {}

    /**
     * Runs the job and ends the JVM if it fails.
     *
     * @param args input, output and options
     */
    public static void main(String[] args) {
        int code = run(args);
        if (code != 0) {
            System.exit(code);
        }
    }

    static int run(String... args) {
        return new CommandLine(new SparkBatch()).execute(args);
    }

    @Override
    public Integer call() throws Exception {
        try (SparkSession spark = SparkSession.builder().appName("gemma4j batch").getOrCreate()) {
            Dataset<String> rows = spark.read().textFile(in).filter(length(trim(col("value"))).gt(0)).distinct();
            Path folder = new Path(out);
            if (folder.getFileSystem(spark.sessionState().newHadoopConf()).exists(folder)) {
                Dataset<String> answered = spark.read().textFile(out);
                Column known = get_json_object(answered.col("value"), "$.input");
                rows = rows.join(answered.select(known.as("input")), hash(rows.col("value")).equalTo(col("input")), "left_anti").as(Encoders.STRING());
            }
            if (partitions != null) {
                rows = rows.repartition(partitions);
            }
            rows.mapPartitions(new AnswerPartition(model, maxTokens, temperature), Encoders.STRING()).write().mode(SaveMode.Append)
                    // Each task's answers are kept when it ends, not only when all have ended.
                    .option("mapreduce.fileoutputcommitter.algorithm.version", "2").text(out);
        }
        return 0;
    }

    private static Column hash(Column row) {
        return substring(sha2(row.cast("binary"), SHA_BITS), 1, HASH_DIGITS);
    }
}
