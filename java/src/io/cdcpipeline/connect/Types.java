package io.cdcpipeline.connect;

import static io.cdcpipeline.connect.Type.exact;
import static io.cdcpipeline.connect.Type.partial;

import io.debezium.data.Bits;
import io.debezium.data.Json;
import io.debezium.data.TsVector;
import io.debezium.data.Uuid;
import io.debezium.data.VariableScaleDecimal;
import io.debezium.data.Xml;
import io.debezium.data.geometry.Circle;
import io.debezium.data.geometry.Geography;
import io.debezium.data.geometry.Geometry;
import io.debezium.data.geometry.Line;
import io.debezium.data.geometry.Point;
import io.debezium.data.vector.DoubleVector;
import io.debezium.data.vector.FloatVector;
import io.debezium.data.vector.SparseDoubleVector;
import io.debezium.spi.converter.RelationalColumn;
import io.debezium.time.Date;
import io.debezium.time.Interval;
import io.debezium.time.MicroTime;
import io.debezium.time.MicroTimestamp;
import io.debezium.time.Timestamp;
import io.debezium.time.ZonedTime;
import io.debezium.time.ZonedTimestamp;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * Which type a column becomes, by PostgreSQL's. Each is what Debezium registers for it (connector of version 3.7 with this
 * collection's settings), so that topics that exist go on with their subjects. A type that Debezium leaves out, or
 * registers in a way that Avro does not allow, is text.
 */
final class Types {
    /** What PostgreSQL's driver has as the length of a numeric without a precision; of an array of them it has 0. */
    private static final int ANY_PRECISION = 131_089;
    /** Numbers of types that PostgreSQL does not come with begin here. */
    private static final int FIRST_OF_USERS = 16_384;
    /** PostgreSQL names an array by an underscore before the name of its element. */
    private static final Pattern UNRESOLVED_ARRAY = Pattern.compile("(^|\\.)\"?_");

    private Types() {}

    static Type of(RelationalColumn column) {
        Type array = array(column);
        return array != null ? array : scalar(column.nativeType(), column);
    }

    /** By the numbers of the types in `pg_type`, which never change; a domain has that of its base type. */
    private static Type scalar(int oid, RelationalColumn column) {
        return switch (oid) {
            case 16 -> exact(SchemaBuilder.bool(), sent -> Value.of(sent instanceof Boolean flag ? flag : sent.equals("t")));
            case 21 -> exact(SchemaBuilder.int16(), sent -> Value.of(sent instanceof Number n ? n.shortValue() : Short.valueOf((String) sent)));
            case 23 -> exact(SchemaBuilder.int32(), sent -> Value.of(sent instanceof Number n ? n.intValue() : Integer.valueOf((String) sent)));
            // One byte, which need be no character of any encoding.
            case 18 -> exact(SchemaBuilder.string(), sent -> character(PgText.of(sent)));
            case 20, 26 -> exact(SchemaBuilder.int64(), sent -> Value.of(sent instanceof Number n ? n.longValue() : Long.valueOf((String) sent)));
            case 700 -> exact(SchemaBuilder.float32(), sent -> Value.of(sent instanceof Number n ? n.floatValue() : Float.valueOf((String) sent)));
            case 701 -> exact(SchemaBuilder.float64(), Types::number);
            case 17 -> exact(SchemaBuilder.bytes(), sent -> Value.of(bytes(sent)));
            case 1700 -> numeric(column);
            case 790 -> exact(Decimal.builder(2), sent -> Numbers.fixed(sent, 2));
            case 1082 -> partial(Date.builder(), Times::date);
            case 1083 -> partial(MicroTime.builder(), Times::time);
            case 1114 -> precision(column) <= 3
                    ? partial(Timestamp.builder(), Times::timestampMillis)
                    : partial(MicroTimestamp.builder(), Times::timestamp);
            case 1184 -> zoned(precision(column));
            case 1266 -> text(ZonedTime.builder());
            case 1186 -> exact(Interval.builder(), Times::interval);
            case 1560, 1562 -> bits(oid, column);
            case 114, 3802 -> text(Json.builder());
            case 142 -> text(Xml.builder());
            case 2950 -> text(Uuid.builder());
            case 3614 -> text(TsVector.builder());
            case 600 -> geometric(Point.builder(), Geometries::point);
            case 601 -> geometric(Geometry.builder(), Geometries::segment);
            case 602 -> geometric(Geometry.builder(), Geometries::path);
            case 603 -> geometric(Geometry.builder(), Geometries::box);
            case 604 -> geometric(Geometry.builder(), Geometries::polygon);
            case 628 -> geometric(Line.builder(), Geometries::line);
            case 718 -> geometric(Circle.builder(), Geometries::circle);
            default -> extension(column);
        };
    }

    /** Types of extensions have no fixed number. */
    private static Type extension(RelationalColumn column) {
        return switch (column.typeName()) {
            case "hstore" -> exact(Json.builder(), Hstore::value);
            case "ltree" -> text(SchemaBuilder.string().name("io.debezium.data.Ltree").version(1));
            case "geometry" -> geometric(Geometry.builder(), Geometries::postgis);
            case "geography" -> geometric(Geography.builder(), Geometries::postgis);
            case "vector" -> vector(DoubleVector.builder(), (schema, text) -> DoubleVector.fromLogical(schema, text));
            case "halfvec" -> vector(FloatVector.builder(), (schema, text) -> FloatVector.fromLogical(schema, text));
            case "sparsevec" -> vector(SparseDoubleVector.builder(), (schema, text) -> SparseDoubleVector.fromLogical(schema, text));
            default -> text(SchemaBuilder.string());
        };
    }

    /** Null for what is none. */
    private static Type array(RelationalColumn column) {
        return switch (column.nativeType()) {
            case 22 -> partial(SchemaBuilder.array(SchemaBuilder.int16().build()), Lists.of(Short::valueOf));
            case 30 -> partial(SchemaBuilder.array(SchemaBuilder.int64().build()), Lists.of(Long::valueOf));
            case 1000 -> list(SchemaBuilder.bool(), Lists.of("t"::equals));
            case 1005 -> list(SchemaBuilder.int16(), Lists.of(Short::valueOf));
            case 1007 -> list(SchemaBuilder.int32(), Lists.of(Integer::valueOf));
            case 1016, 1028 -> list(SchemaBuilder.int64(), Lists.of(Long::valueOf));
            case 1021 -> list(SchemaBuilder.float32(), Lists.of(Float::valueOf));
            case 1022 -> list(SchemaBuilder.float64(), Lists.of(Double::valueOf));
            case 1001 -> list(SchemaBuilder.bytes(), Lists.of(Types::bytes));
            case 1182 -> list(Date.builder(), Lists.ofValues(Times::date));
            case 1183 -> list(MicroTime.builder(), Lists.ofValues(Times::time));
            case 1115 -> precision(column) <= 3
                    ? list(Timestamp.builder(), Lists.ofValues(Times::timestampMillis))
                    : list(MicroTimestamp.builder(), Lists.ofValues(Times::timestamp));
            case 1185 -> list(ZonedTimestamp.builder(), Lists.ofValues(zoned(precision(column)).conversion()));
            case 1270 -> list(ZonedTime.builder(), Lists.of(text -> text));
            case 1231 -> numerics(column);
            case 199, 3807 -> list(Json.builder(), Lists.of(text -> text));
            case 2951 -> list(Uuid.builder(), Lists.of(text -> text));
            case 3643 -> list(TsVector.builder(), Lists.of(text -> text));
            case 651, 775, 1002, 1009, 1014, 1015, 1040, 1041, 3905, 3907, 3909, 3911, 3913, 3927 ->
                    list(SchemaBuilder.string(), Lists.of(text -> text));
            // Debezium declares an array of bits as one of them, and fills it with nothing.
            case 1561 -> column.length().orElse(0) > 1 ? text(SchemaBuilder.string()) : beside(SchemaBuilder.bool());
            // Vectors in an array, and shapes in one, are not declared in a way that holds their values.
            case 1006 -> beside(SchemaBuilder.array(SchemaBuilder.array(SchemaBuilder.int16().build()).build()));
            case 1013 -> beside(SchemaBuilder.array(SchemaBuilder.array(SchemaBuilder.int64().build()).build()));
            case 629 -> beside(SchemaBuilder.array(Line.builder().optional().build()));
            case 719 -> beside(SchemaBuilder.array(Circle.builder().optional().build()));
            case 1018, 1019, 1020, 1027 -> beside(SchemaBuilder.array(Geometry.builder().optional().build()));
            default -> extensionArray(column);
        };
    }

    private static Type extensionArray(RelationalColumn column) {
        return switch (column.typeName()) {
            case "_citext", "_isbn" -> list(SchemaBuilder.string(), Lists.of(text -> text));
            case "_hstore" -> list(Json.builder(), Lists.ofValues(Hstore::value));
            case "_ltree" -> list(SchemaBuilder.string().name("io.debezium.data.Ltree").version(1), Lists.of(text -> text));
            case "_geometry" -> beside(SchemaBuilder.array(Geometry.builder().optional().build()));
            case "_geography" -> beside(SchemaBuilder.array(Geography.builder().optional().build()));
            // Of an enum, as Debezium has it, and so of each type of a user, since nothing here tells an enum from others.
            default -> isUsersArray(column) ? list(SchemaBuilder.string(), Lists.ofUsers()) : null;
        };
    }

    /** Debezium does not find a type whose name has a dot before its first change in the stream. */
    private static boolean isUsersArray(RelationalColumn column) {
        return column.nativeType() < 0
                ? UNRESOLVED_ARRAY.matcher(column.typeName()).find()
                : column.nativeType() >= FIRST_OF_USERS && column.jdbcType() == java.sql.Types.ARRAY;
    }

    private static Type numeric(RelationalColumn column) {
        int precision = column.length().orElse(ANY_PRECISION);
        int scale = column.scale().orElse(0);
        if (precision == 0 || precision == ANY_PRECISION) {
            Schema schema = VariableScaleDecimal.builder().optional().build();
            return new Type(schema, false, sent -> Numbers.variable(sent, schema));
        }
        // A negative scale arrives as 2048 more than it is.
        return scale > precision ? text(SchemaBuilder.string()) : partial(decimal(precision, scale), sent -> Numbers.fixed(sent, scale));
    }

    private static Type numerics(RelationalColumn column) {
        int precision = column.length().orElse(ANY_PRECISION);
        int scale = column.scale().orElse(0);
        if (precision == 0 || precision == ANY_PRECISION) {
            Schema element = VariableScaleDecimal.builder().optional().build();
            return partial(SchemaBuilder.array(element), Lists.ofValues(sent -> Numbers.variable(sent, element)));
        }
        return scale > precision
                ? list(SchemaBuilder.string(), Lists.of(text -> text))
                : list(decimal(precision, scale), Lists.ofValues(sent -> Numbers.fixed(sent, scale)));
    }

    private static SchemaBuilder decimal(int precision, int scale) {
        return Decimal.builder(scale).parameter("connect.decimal.precision", Integer.toString(precision));
    }

    private static Type zoned(int precision) {
        return partial(ZonedTimestamp.builder(), sent -> Times.zoned(sent, precision));
    }

    /** One bit is a flag; a fixed number of them are bytes; any number keeps its length as text only. */
    private static Type bits(int oid, RelationalColumn column) {
        int length = column.length().orElse(1);
        if (length == 1) {
            return partial(SchemaBuilder.bool(), BitStrings::flag);
        }
        return oid == 1560 ? exact(Bits.builder(length), BitStrings::bytes) : text(SchemaBuilder.string());
    }

    private static int precision(RelationalColumn column) {
        return column.scale().orElse(6);
    }

    private static ByteBuffer bytes(Object sent) {
        return ByteBuffer.wrap(sent instanceof byte[] bytes ? bytes : HexFormat.of().parseHex(((String) sent).substring(2)));
    }

    private static Value character(String text) {
        return text.indexOf('\uFFFD') < 0 ? Value.of(text) : Value.lost();
    }

    /** Debezium reads a float4 where it takes a type for another one of its name. The digits that it cut off are gone. */
    private static Value number(Object sent) {
        if (sent instanceof Float) {
            return Value.lost();
        }
        return Value.of(sent instanceof Number number ? number.doubleValue() : Double.valueOf((String) sent));
    }

    private static Type text(SchemaBuilder schema) {
        return exact(schema, sent -> Value.of(PgText.of(sent)));
    }

    private static Type beside(SchemaBuilder schema) {
        return partial(schema, sent -> Value.beside(PgText.of(sent)));
    }

    private static Type list(SchemaBuilder element, Type.Conversion conversion) {
        return partial(SchemaBuilder.array(element.optional().build()), conversion);
    }

    @FunctionalInterface
    private interface Shape {
        Object of(Schema schema, Object sent) throws SQLException;
    }

    private static Type geometric(SchemaBuilder builder, Shape shape) {
        Schema schema = builder.optional().build();
        return new Type(schema, false, sent -> Value.of(shape.of(schema, sent), sent));
    }

    @FunctionalInterface
    private interface Vector {
        Object of(Schema schema, String text);
    }

    private static Type vector(SchemaBuilder builder, Vector vector) {
        Schema schema = builder.optional().build();
        return new Type(schema, false, sent -> {
            String text = PgText.of(sent);
            return Value.of(vector.of(schema, text), text);
        });
    }
}
