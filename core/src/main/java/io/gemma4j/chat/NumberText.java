package io.gemma4j.chat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Pattern;

/** Numbers as text, in JSON and in calls alike. */
final class NumberText {
    private static final Pattern INTEGER = Pattern.compile("-?(0|[1-9][0-9]*)");
    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    private static final int LONG_DIGITS = 18;

    private NumberText() {}

    /** A {@code Long} or {@code BigInteger} for an integer, a {@code Double} for other numbers, empty for what is none or too large for a double. */
    static Optional<Number> parse(String text) {
        if (INTEGER.matcher(text).matches()) {
            if (text.length() <= LONG_DIGITS) {
                return Optional.of(Long.valueOf(text));
            }
            BigInteger value = new BigInteger(text);
            return Optional.of(value.bitLength() < Long.SIZE ? (Number) value.longValue() : value);
        }
        if (!NUMBER.matcher(text).matches()) {
            return Optional.empty();
        }
        double value = Double.parseDouble(text);
        return Double.isInfinite(value) ? Optional.empty() : Optional.of(value);
    }

    /**
     * A number as Python prints it, which is what templates make of one: 9.5, 1e-05, 1e+16.
     *
     * @throws IllegalArgumentException if it is not finite
     */
    static String format(Number number) {
        if (!(number instanceof Double || number instanceof Float)) {
            return number.toString();
        }
        double value = number.doubleValue();
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw new IllegalArgumentException("a JSON number must be finite, was " + value);
        }
        if (value == 0) {
            return number.toString();
        }
        BigDecimal digits = new BigDecimal(number.toString()).stripTrailingZeros();
        int exponent = digits.precision() - digits.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = digits.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String mantissa = digits.movePointLeft(exponent).toPlainString();
        return String.format("%se%s%02d", mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
}
