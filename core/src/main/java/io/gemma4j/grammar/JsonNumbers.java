package io.gemma4j.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbers as they stand in JSON. Their digits are limited, so that each fits a {@code long} or a finite {@code double}. To be used under the lock of
 * its grammar.
 */
final class JsonNumbers {
    private static final int INTEGER_DIGITS = 18;
    private static final int FRACTION_DIGITS = 15;

    private final Expressions expressions;
    private final Expression digit;

    /**
     * Where a number has to lie.
     *
     * @param value null for no bound
     * @param exclusive whether the value itself is out
     */
    record Bound(BigDecimal value, boolean exclusive) {
        static final Bound NONE = new Bound(null, false);

        Bound negated() {
            return value == null ? this : new Bound(value.negate(), exclusive);
        }
    }

    JsonNumbers(Expressions expressions) {
        this.expressions = expressions;
        this.digit = expressions.range('0', '9');
    }

    /** Integers from {@code low} to {@code high}, written without fraction and exponent. */
    Expression integer(Bound low, Bound high) {
        return signed(low, high, false);
    }

    /** Numbers from {@code low} to {@code high}; without bounds they may have an exponent. */
    Expression number(Bound low, Bound high) {
        if (low.value() == null && high.value() == null) {
            Expression sign = expressions.optional(expressions.range('-', '-'));
            Expression exponent = expressions.sequence(expressions.choice(expressions.range('e', 'e'), expressions.range('E', 'E')),
                    expressions.optional(expressions.choice(expressions.range('+', '+'), expressions.range('-', '-'))), expressions.repeat(digit, 1, 2));
            return expressions.sequence(sign, anyInteger(), fraction(), expressions.optional(exponent));
        }
        return signed(low, high, true);
    }

    private Expression signed(Bound low, Bound high, boolean fractions) {
        Expression positive = unsigned(low, high, fractions);
        Bound zero = new Bound(BigDecimal.ZERO, true);
        Bound negatedHigh = high.negated();
        // Minus zero is left out: it is zero, which has been said.
        Bound from = negatedHigh.value() != null && negatedHigh.value().signum() > 0 ? negatedHigh : zero;
        Expression negative = expressions.sequence(expressions.range('-', '-'), unsigned(from, low.negated(), fractions));
        return expressions.choice(positive, negative);
    }

    // Numbers of at least 0.
    private Expression unsigned(Bound low, Bound high, boolean fractions) {
        if (high.value() != null && high.value().signum() < 0) {
            return expressions.never;
        }
        Expression all = fractions ? expressions.sequence(anyInteger(), fraction()) : anyInteger();
        List<Expression> conditions = new ArrayList<>();
        if (low.value() != null && (low.value().signum() > 0 || low.value().signum() == 0 && low.exclusive())) {
            conditions.add(fractions ? above(low) : integersAbove(integral(low, true)));
        }
        if (high.value() != null) {
            conditions.add(fractions ? below(high) : integersBelow(integral(high, false)));
        }
        if (conditions.isEmpty()) {
            return all;
        }
        conditions.add(all);
        return expressions.both(conditions.toArray(Expression[]::new));
    }

    private Expression anyInteger() {
        return expressions.choice(expressions.literal("0"), expressions.sequence(expressions.range('1', '9'), expressions.repeat(digit, 0, INTEGER_DIGITS - 1)));
    }

    private Expression fraction() {
        return expressions.optional(expressions.sequence(expressions.literal("."), expressions.repeat(digit, 1, FRACTION_DIGITS)));
    }

    // The last integer outside the bound, which is at least 0 or -1.
    private static BigInteger integral(Bound bound, boolean low) {
        BigDecimal value = bound.value();
        if (low) {
            BigInteger first = value.setScale(0, RoundingMode.CEILING).toBigIntegerExact();
            boolean out = bound.exclusive() && value.compareTo(new BigDecimal(first)) == 0;
            return out ? first : first.subtract(BigInteger.ONE);
        }
        BigInteger last = value.setScale(0, RoundingMode.FLOOR).toBigIntegerExact();
        boolean out = bound.exclusive() && value.compareTo(new BigDecimal(last)) == 0;
        return out ? last : last.add(BigInteger.ONE);
    }

    private Expression integersAbove(BigInteger limit) {
        if (limit.signum() < 0) {
            return anyInteger();
        }
        String digits = limit.toString();
        return expressions.choice(expressions.sequence(expressions.range('1', '9'), expressions.repeat(digit, digits.length(), Expression.UNBOUNDED)),
                beyond(digits, true));
    }

    private Expression integersBelow(BigInteger limit) {
        if (limit.signum() <= 0) {
            return expressions.never;
        }
        String digits = limit.toString();
        Expression shorter = digits.length() == 1 ? expressions.never : expressions.choice(expressions.literal("0"),
                expressions.sequence(expressions.range('1', '9'), expressions.repeat(digit, 0, digits.length() - 2)));
        return expressions.choice(shorter, beyond(digits, false));
    }

    // As many digits as these, of a number above or below theirs.
    private Expression beyond(String digits, boolean above) {
        List<Expression> parts = new ArrayList<>();
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            char least = i == 0 && digits.length() > 1 ? '1' : '0';
            Expression differing = above ? nextDigits(c + 1, '9') : nextDigits(least, c - 1);
            parts.add(expressions.sequence(expressions.literal(digits.substring(0, i)), differing,
                    expressions.repeat(digit, digits.length() - i - 1, digits.length() - i - 1)));
        }
        return expressions.choice(parts);
    }

    private Expression nextDigits(int first, int last) {
        return first > last ? expressions.never : expressions.range(first, last);
    }

    // Decimals above a bound, which is at least 0.
    private Expression above(Bound low) {
        BigInteger whole = low.value().toBigInteger();
        String rest = fractionDigits(low.value());
        Expression point = expressions.literal(".");
        Expression many = expressions.repeat(digit, 0, Expression.UNBOUNDED);
        List<Expression> parts = new ArrayList<>();
        parts.add(expressions.sequence(integersAbove(whole), fraction()));
        Expression same = expressions.literal(whole.toString());
        parts.add(expressions.sequence(same, point, beyondFraction(rest, true)));
        if (!low.exclusive()) {
            if (rest.isEmpty()) {
                parts.add(same);
            }
            parts.add(expressions.sequence(same, point, expressions.literal(rest), many));
        } else {
            parts.add(expressions.sequence(same, point, expressions.literal(rest), many, expressions.range('1', '9'), many));
        }
        return expressions.choice(parts);
    }

    // Decimals below a bound, which is at least 0.
    private Expression below(Bound high) {
        BigInteger whole = high.value().toBigInteger();
        String rest = fractionDigits(high.value());
        Expression point = expressions.literal(".");
        Expression zeros = expressions.repeat(expressions.literal("0"), 0, Expression.UNBOUNDED);
        List<Expression> parts = new ArrayList<>();
        parts.add(expressions.sequence(integersBelow(whole), fraction()));
        Expression same = expressions.literal(whole.toString());
        if (!rest.isEmpty()) {
            parts.add(same);
            parts.add(expressions.sequence(same, point, beyondFraction(rest, false)));
            for (int i = 1; i < rest.length(); i++) {
                parts.add(expressions.sequence(same, point, expressions.literal(rest.substring(0, i))));
            }
        }
        if (!high.exclusive()) {
            if (rest.isEmpty()) {
                parts.add(same);
            }
            parts.add(expressions.sequence(same, point, expressions.literal(rest), zeros));
        }
        return expressions.choice(parts);
    }

    // Digits after the point that differ from these first in a higher, or lower, digit.
    private Expression beyondFraction(String digits, boolean above) {
        List<Expression> parts = new ArrayList<>();
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            parts.add(expressions.sequence(expressions.literal(digits.substring(0, i)), above ? nextDigits(c + 1, '9') : nextDigits('0', c - 1),
                    expressions.repeat(digit, 0, Expression.UNBOUNDED)));
        }
        return expressions.choice(parts);
    }

    // Without zeros at the end.
    private static String fractionDigits(BigDecimal value) {
        BigDecimal fraction = value.remainder(BigDecimal.ONE).stripTrailingZeros();
        return fraction.signum() == 0 ? "" : fraction.toPlainString().substring(2);
    }
}
