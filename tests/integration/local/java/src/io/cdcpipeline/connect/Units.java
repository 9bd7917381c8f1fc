// Longer than 400 lines: one program tests all classes, so that Java starts once for them.
package io.cdcpipeline.connect;

import io.apicurio.registry.utils.converter.avro.AvroData;
import io.debezium.data.SpecialValueDecimal;
import io.debezium.util.ApproximateStructSizeCalculator;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.TabularData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.postgresql.util.PGInterval;

/** The classes by themselves: each method without a result is a test. Prints what fails; the exit status says whether. */
public final class Units {
    private static final Schema ROW = SchemaBuilder.struct().name("p.public.t.Value").optional()
            .field("id", Value.schema(Schema.OPTIONAL_INT32_SCHEMA, true).build())
            .field("price", Value.schema(Decimal.builder(2).optional().build(), false).build())
            .field("note", Value.schema(Schema.OPTIONAL_STRING_SCHEMA, false).doc("a comment").build())
            .field("raw", Value.schema(Schema.OPTIONAL_BYTES_SCHEMA, false).build())
            .build();
    private static final Schema KEY = SchemaBuilder.struct().name("p.public.t.Key").field("id", ROW.field("id").schema()).build();
    private static final Schema SOURCE = SchemaBuilder.struct().name("source")
            .field("lsn", Schema.OPTIONAL_INT64_SCHEMA).field("sequence", Schema.OPTIONAL_STRING_SCHEMA)
            .field("txId", Schema.OPTIONAL_INT64_SCHEMA).field("ts_us", Schema.OPTIONAL_INT64_SCHEMA).build();
    private static final Schema ENVELOPE = SchemaBuilder.struct().name("p.public.t.Envelope")
            .field("before", ROW).field("after", ROW).field("source", SOURCE).field("op", Schema.STRING_SCHEMA)
            .field("ts_us", Schema.OPTIONAL_INT64_SCHEMA).build();

    public static void main(String[] arguments) throws Exception {
        Method[] tests = Units.class.getDeclaredMethods();
        Arrays.sort(tests, Comparator.comparing(Method::getName));
        int failed = 0;
        int run = 0;
        for (Method test : tests) {
            if (test.getReturnType() != void.class || test.getParameterCount() != 0) {
                continue;
            }
            run++;
            try {
                test.invoke(new Units());
            } catch (InvocationTargetException error) {
                failed++;
                System.out.println("FAILED " + test.getName() + ": " + error.getCause());
            }
        }
        System.out.println(run + " run, " + failed + " failed");
        System.exit(failed == 0 && run > 0 ? 0 : 1);
    }

    void arraysOfOneDimensionAreLists() throws Exception {
        Type.Conversion texts = Lists.of(text -> text);
        equal(List.of("a\"b", "c,d", "", "NULL", "\\"), texts.of("{\"a\\\"b\",\"c,d\",\"\",\"NULL\",\"\\\\\"}").exact());
        equal(Arrays.asList("x", null), texts.of("{x,NULL}").exact());
        equal(List.of(), texts.of("{}").exact());
    }

    void otherArraysAreBeside() throws Exception {
        Type.Conversion numbers = Lists.of(Integer::valueOf);
        for (String text : List.of("{{1,2},{3,4}}", "[0:1]={7,8}", "[1:1][-2:-1]={{1,2}}")) {
            equal(null, numbers.of(text).exact());
            equal(text, numbers.of(text).source());
        }
        equal("{24:00:00}", Lists.ofValues(Times::time).of("{24:00:00}").source());
    }

    void vectorsOfNumbersAreLists() throws Exception {
        equal(List.of(1, -2), Lists.of(Integer::valueOf).of("1 -2").exact());
        equal(List.of(), Lists.of(Integer::valueOf).of("").exact());
    }

    void numbersKeepZerosAndSayWhatIsNone() {
        equal(new BigDecimal("1.50"), Numbers.fixed(new SpecialValueDecimal(new BigDecimal("1.5")), 2).exact());
        equal("NaN", Numbers.fixed(SpecialValueDecimal.NOT_A_NUMBER, 2).source());
        equal("-Infinity", Numbers.fixed(SpecialValueDecimal.NEGATIVE_INF, 2).source());
        equal("Infinity", Numbers.fixed("Infinity", 2).source());
    }

    void floatsAreInPostgresNotation() {
        for (String text : List.of("1e+15", "100000000000000", "0.0001", "1e-05", "1.7976931348623157e+308", "5e-324", "-0",
                "0.1", "-1.5e-10", "123456789012345.6", "1.234567890123456e+15", "NaN", "-Infinity")) {
            equal(text, PgText.number(text.equals("5e-324") ? Double.MIN_VALUE : Double.parseDouble(text)));
        }
    }

    void intervalsOfAnySizeAreIsoAndInfiniteOnesBeside() throws Exception {
        equal("P1Y2M-3DT4H5M6.789012S", Times.interval(new PGInterval("1 year 2 mons -3 days +04:05:06.789012")).exact());
        equal("P0Y-1M1DT0H0M-0.000001S", Times.interval("-1 mons +1 day -00:00:00.000001").exact());
        equal("P0Y0M0DT0H0M0S", Times.interval("00:00:00").exact());
        equal("P0Y0M0DT-2562047788H0M-54.775808S", Times.interval(new PGInterval("-2562047788:00:54.775808")).exact());
        for (String text : List.of("infinity", "-infinity")) {
            equal(null, Times.interval(new PGInterval(text)).exact());
            equal(text, Times.interval(new PGInterval(text)).source());
        }
    }

    void aByteThatIsNoCharacterIsOctal() {
        equal("\\303", SnapshotConnection.character(new byte[] {(byte) 0xC3}));
        equal("\\303", SnapshotConnection.character("\\303".getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        equal("a", SnapshotConnection.character(new byte[] {'a'}));
        equal("", SnapshotConnection.character(new byte[0]));
        equal(null, SnapshotConnection.character(null));
    }

    void namesAreKeptApart() {
        equal(List.of("sel_ect_", "sel_ect", "_1st", "na_ve", "__offset_", "__text__", "__text_", "userId"),
                Names.of(List.of("sel-ect", "sel_ect", "1st", "naïve", "__offset", "__text", "__text_", "userId")));
    }

    void namesThatDifferByCaseAloneAreKeptApart() {
        equal(List.of("Id", "id_", "__TEXT_", "sel_ect_", "SEL_ECT"), Names.of(List.of("Id", "id", "__TEXT", "sel-ect", "SEL_ECT")));
    }

    void arraysThatAreNotPartedByCommasAreBeside() throws Exception {
        for (String text : List.of("{(1,1),(0,0);(3,3),(2,2)}", "{0101000000AA:0101000000BB}", "{(1,1),(0,0)}")) {
            equal(null, Lists.ofUsers().of(text).exact());
            equal(text, Lists.ofUsers().of(text).source());
        }
        equal(List.of("(1,2)", "a;b:c", "x"), Lists.ofUsers().of("{\"(1,2)\",a;b:c,x}").exact());
        equal(List.of(), Lists.ofUsers().of("{}").exact());
    }

    void hstoreIsJson() throws Exception {
        String text = "\"a\"=>\"x\\\"\\\\\", \"bb\"=>NULL";
        equal("{\"a\":\"x\\\"\\\\\",\"bb\":null}", Hstore.value(text).exact());
        Map<String, String> map = Hstore.parsed(text);
        equal(text, Hstore.text(map));
        equal(Hstore.value(text).exact(), Hstore.value(map).exact());
    }

    void keysThatAreEqualAreTheSame() {
        equal(Value.of(1), Value.of(1));
        equal(Value.of(1).hashCode(), Value.of(1).hashCode());
        equal(Value.beside("NaN"), Value.beside("NaN"));
        if (Value.of(1).equals(Value.of(2)) || Value.beside("NaN").equals(Value.UNSENT) || Value.UNSENT.equals(Value.lost()) || Value.lost().equals(Value.lost())) {
            throw new AssertionError("values that differ are equal");
        }
    }

    void whatAColumnCannotHoldIsBeside() {
        Struct row = after(Value.of(1), Value.beside("NaN"), Value.UNSENT, Value.lost());
        equal(null, row.get("price"));
        equal(Map.of("price", "NaN"), row.get("__text"));
        equal(List.of("note"), row.get("__unsent"));
        equal(-1L, ((Struct) row.getMap("__cut").get("raw")).get("bytes"));
    }

    void rowsHaveNoDefaults() {
        Schema row = changed("c", null, row(Value.of(1), null, null, null)).valueSchema();
        row.fields().forEach(field -> {
            equal(null, field.schema().defaultValue());
            equal(true, field.schema().isOptional());
        });
        equal("a comment", row.field("note").schema().doc());
    }

    void keysStayRequired() {
        SourceRecord record = changed("c", null, row(Value.of(1), null, null, null));
        equal(false, record.keySchema().field("id").schema().isOptional());
        equal(null, record.keySchema().field("__text"));
        equal(1, ((Struct) record.key()).get("id"));
    }

    void deletesNameWhatWasNotSent() {
        Struct before = (Struct) changed("d", row(Value.of(1), null, null, null), null).value();
        equal(List.of("price", "note", "raw"), before.get("__unsent"));
        equal("true", before.get("__deleted"));
        Struct full = (Struct) changed("d", row(Value.of(1), null, Value.of("x"), null), null).value();
        equal(null, full.get("__unsent"));
    }

    void aTruncationIsAnEmptyRow() {
        Struct before = (Struct) changed("t", null, null).value();
        equal(null, before.get("id"));
        equal(24L, before.get("__commit_order"));
        equal("true", before.get("__deleted"));
    }

    void theLargestColumnsAreCutUntilTheRowFits() {
        Struct row = after(Value.of(1), null, Value.of("é".repeat(900_000)), Value.of(ByteBuffer.wrap(new byte[900_000])));
        equal(null, row.get("note"));
        equal(900_000, ((ByteBuffer) row.get("raw")).remaining());
        Struct cut = (Struct) row.getMap("__cut").get("note");
        equal(1_800_000L, cut.get("bytes"));
        equal("3ecd6bad759aeb3a95f28955f62ca70cc4ab7eaf9b3a5feb913e7fd1dd6b4e6a", cut.get("sha256"));
    }

    void sizesAreThoseInAvro() throws Exception {
        Schema inner = SchemaBuilder.struct().name("inner").optional().field("scale", Schema.INT32_SCHEMA)
                .field("value", Schema.BYTES_SCHEMA).build();
        Map<Schema, List<?>> values = Map.of(
                Schema.OPTIONAL_INT32_SCHEMA, Arrays.asList(0, -1, 63, -64, 64, Integer.MAX_VALUE, Integer.MIN_VALUE, null),
                Schema.OPTIONAL_INT64_SCHEMA, List.of(0L, 8191L, -8192L, 8192L, Long.MAX_VALUE, Long.MIN_VALUE),
                Schema.OPTIONAL_FLOAT64_SCHEMA, List.of(0.0, Double.NaN),
                Schema.OPTIONAL_FLOAT32_SCHEMA, List.of(1f, -0f),
                Schema.OPTIONAL_BOOLEAN_SCHEMA, List.of(true, false),
                Schema.OPTIONAL_STRING_SCHEMA, Arrays.asList("", "a", "é", "漢", "𝄞", "x".repeat(64), "x".repeat(9000), null),
                Schema.OPTIONAL_BYTES_SCHEMA, List.of(ByteBuffer.allocate(0), ByteBuffer.allocate(300)),
                Decimal.builder(2).optional().build(), List.of(new BigDecimal("0.00"), new BigDecimal("-92233720368547758.08")),
                inner, List.of(new Struct(inner).put("scale", 3).put("value", new byte[7])),
                SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.OPTIONAL_STRING_SCHEMA).optional().build(),
                Arrays.asList(Map.of(), Map.of("a", "NaN", "b", "x".repeat(200)), null));
        AvroData avro = new AvroData(1);
        for (Map.Entry<Schema, List<?>> each : values.entrySet()) {
            for (int times : List.of(0, 1, 500)) {
                Schema list = SchemaBuilder.array(each.getKey()).optional().build();
                Schema record = SchemaBuilder.struct().name("r").field("list", list).build();
                List<Object> many = new ArrayList<>();
                for (int i = 0; i < times; i++) {
                    many.addAll(each.getValue());
                }
                Struct struct = new Struct(record).put("list", many);
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                Encoder encoder = EncoderFactory.get().binaryEncoder(out, null);
                new GenericDatumWriter<>(avro.fromConnectSchema(record)).write(avro.fromConnectData(record, struct), encoder);
                encoder.flush();
                // The record itself is not null; of an inner record two fields are not, nor is the key of a map.
                long most = out.size() + 1 + (each.getKey().type().isPrimitive() ? 0 : 2L * many.size());
                long size = Sizes.of(struct);
                if (size < out.size() || size > most || Sizes.most(struct) < size) {
                    throw new AssertionError(each.getKey() + ": " + size + " instead of " + out.size());
                }
            }
        }
    }

    void debeziumsQueueCountsWhatValuesHold() {
        String text = "x".repeat(480_000);
        Map<String, List<Value>> rows = Map.of(
                "a text", List.of(Value.of(1), Value.beside("NaN"), Value.of(text), Value.of(ByteBuffer.allocate(0))),
                "bytes", List.of(Value.of(1), Value.of(BigDecimal.ONE), Value.of(""), Value.of(ByteBuffer.allocate(480_000))),
                "text beside", List.of(Value.of(1), Value.beside(text), Value.UNSENT, Value.lost()),
                "what a value was read from", List.of(Value.of(1), Value.of(BigDecimal.ONE, text), Value.UNSENT, Value.lost()));
        rows.forEach((name, values) -> {
            long size = ApproximateStructSizeCalculator.getApproximateRecordSize(sent(row(values.toArray(new Value[0])), null));
            if (size < 480_000 || size > 2 * 480_000 + 10_000) {
                throw new AssertionError(name + ": " + size + " bytes");
            }
        });
        // Both rows of an update, one of whom is not written.
        Struct large = row(Value.of(1), null, Value.of(text), null);
        if (ApproximateStructSizeCalculator.getApproximateRecordSize(sent(large, large)) < 960_000) {
            throw new AssertionError("the old row is not counted");
        }
        long small = ApproximateStructSizeCalculator.getApproximateRecordSize(sent(row(Value.of(1), null, Value.of("x"), null), null));
        if (small > 2_000) {
            throw new AssertionError("a small row: " + small + " bytes");
        }
    }

    void everyTypeOfColumnCanBeCounted() {
        for (Schema type : List.of(Schema.OPTIONAL_INT16_SCHEMA, Schema.OPTIONAL_INT64_SCHEMA, Schema.OPTIONAL_FLOAT64_SCHEMA,
                Schema.OPTIONAL_BOOLEAN_SCHEMA, Decimal.builder(2).optional().build(),
                SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).optional().build(),
                SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).optional().build(),
                SchemaBuilder.struct().field("x", Schema.FLOAT64_SCHEMA).optional().build())) {
            Schema table = SchemaBuilder.struct().name("p.public.t.Value").optional().field("c", Value.schema(type, false).build()).build();
            Schema envelope = SchemaBuilder.struct().name("p.public.t.Envelope").field("after", table).build();
            Struct change = new Struct(envelope).put("after", new Struct(table).put("c", Value.beside("x".repeat(10_000))));
            change.validate();
            long size = ApproximateStructSizeCalculator.getApproximateRecordSize(
                    new SourceRecord(Map.of(), Map.of(), "p.public.t", null, null, envelope, change));
            if (size < 10_000) {
                throw new AssertionError(type + ": " + size + " bytes");
            }
        }
    }

    void aValueIsNotPrinted() {
        equal("Value", Value.of("secret".repeat(100_000)).toString());
    }

    void rowsThatAreCutAreSaidOnceAMinuteWithTheirNumber() {
        long[] now = {0};
        List<String> said = new ArrayList<>();
        CutRows rows = new CutRows(() -> now[0], said::add);
        Struct source = new Struct(SOURCE).put("lsn", 42L);
        Cuts cuts = new Cuts();
        cuts.add("note", "x".repeat(2_000_000));
        cuts.lost("raw");
        Cuts lost = new Cuts();
        lost.lost("raw");
        for (int i = 0; i < 10; i++) {
            rows.note("p.public.t.Value", new java.util.HashMap<>(cuts.toMap()), source);
            rows.note("p.public.t.Value", null, source);
            rows.note("p.public.t.Value", new java.util.HashMap<>(lost.toMap()), source);
        }
        equal(1, said.size());
        now[0] += 61_000_000_000L;
        rows.note("p.public.t.Value", new java.util.HashMap<>(cuts.toMap()), source);
        equal(List.of(
                "Rows of p.public.t.Value above max.bytes since the last such line: 1, since the start: 1. The last, at LSN 42, "
                        + "arrives without note (2000000 bytes), whose size and SHA-256 are in __cut",
                "Rows of p.public.t.Value above max.bytes since the last such line: 10, since the start: 11. The last, at LSN 42, "
                        + "arrives without note (2000000 bytes), whose size and SHA-256 are in __cut"), said);
    }

    void aRowAtTheLimitIsWholeAndALargerOneIsCut() {
        for (long most : List.of(1L << 20, 16L << 20)) {
            Lossless lossless = new Lossless();
            lossless.configure(Map.of("max.bytes", Long.toString(most)));
            // An id twice, its length in four bytes, and nothing else.
            int largest = (int) most - 2 * 2 - 2 - 1 - 4;
            equal("x".repeat(largest).length(), noted(lossless, largest).getString("note").length());
            Struct cut = noted(lossless, (int) most + 1);
            equal(null, cut.get("note"));
            equal((long) most + 1, ((Struct) cut.getMap("__cut").get("note")).get("bytes"));
        }
    }

    private static Struct noted(Lossless lossless, int length) {
        SourceRecord record = lossless.apply(sent(row(Value.of(1), null, Value.of("x".repeat(length)), null), null));
        return (Struct) record.value();
    }

    private static SourceRecord sent(Struct after, Struct before) {
        Struct source = new Struct(SOURCE).put("lsn", 42L).put("sequence", "[\"24\",\"42\"]");
        Struct change = new Struct(ENVELOPE).put("before", before).put("after", after).put("source", source).put("op", "c");
        return new SourceRecord(Map.of(), Map.of(), "p.public.t", KEY, new Struct(KEY).put("id", after.get("id")), ENVELOPE, change);
    }

    void aListOfSmallNumbersTakesTwoBytesEach() {
        equal(2 * 300_000L + 5, Sizes.of(Collections.nCopies(300_000, 1)));
    }

    void aRowOfManyCutColumnsFitsWithTheirNames() throws Exception {
        SchemaBuilder many = SchemaBuilder.struct().name("p.public.t.Value").optional();
        for (int i = 0; i < 400; i++) {
            many.field(String.format("%063d", i).replaceFirst("0", "c"), Value.schema(Schema.OPTIONAL_STRING_SCHEMA, false).build());
        }
        Schema schema = many.build();
        for (Value value : List.of(Value.of("x".repeat(99_990)), Value.beside("x".repeat(3_000)))) {
            Struct full = new Struct(schema);
            schema.fields().forEach(field -> full.put(field, value));
            Struct row = Rows.ofTable(schema, null).row(full, false, 1_000_000);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            Encoder encoder = EncoderFactory.get().binaryEncoder(out, null);
            AvroData avro = new AvroData(1);
            new GenericDatumWriter<>(avro.fromConnectSchema(row.schema())).write(avro.fromConnectData(row.schema(), row), encoder);
            encoder.flush();
            if (out.size() > 1_000_000 || out.size() < 800_000) {
                throw new AssertionError(out.size() + " bytes");
            }
        }
    }

    void aTableWithoutAKeyThatTellsRowsApartHasNone() {
        Lossless lossless = new Lossless();
        lossless.configure(Map.of("unkeyed", "(?-i)public\\.other|(?-i)public\\.t"));
        equal(null, lossless.apply(inserted()).key());
        equal(null, lossless.apply(inserted()).keySchema());
        lossless.configure(Map.of("unkeyed", "(?-i)public\\.other|(?-i)public.t."));
        equal(1, ((Struct) lossless.apply(inserted()).key()).get("id"));
    }

    void everyPartOfASchemasNameIsOneOfAvro() {
        equal("postgres.public.users.Value", Names.ofSchema("postgres.public.users.Value"));
        equal("postgres.public._1st._.b.Value", Names.ofSchema("postgres.public.1st..b.Value"));
        equal(null, Names.ofSchema(null));
    }

    void aKeyOfWhichAPartWasNotSentIsNone() {
        Struct before = row(null, null, Value.of("x"), null);
        SourceRecord record = changed("d", before, null);
        equal(null, record.key());
        equal(null, record.keySchema());
    }

    private static SourceRecord inserted() {
        Schema source = SchemaBuilder.struct().name("source").field("schema", Schema.STRING_SCHEMA)
                .field("table", Schema.STRING_SCHEMA).field("lsn", Schema.OPTIONAL_INT64_SCHEMA)
                .field("sequence", Schema.OPTIONAL_STRING_SCHEMA).build();
        Schema envelope = SchemaBuilder.struct().name("p.public.t.Envelope")
                .field("before", ROW).field("after", ROW).field("source", source).field("op", Schema.STRING_SCHEMA).build();
        Struct after = row(Value.of(1), null, null, null);
        Struct change = new Struct(envelope).put("after", after).put("op", "c")
                .put("source", new Struct(source).put("schema", "public").put("table", "t").put("sequence", "[\"24\",\"42\"]"));
        return new SourceRecord(Map.of(), Map.of(), "p.public.t", KEY, new Struct(KEY).put("id", Value.of(1)), envelope, change);
    }

    void textBesideIsCutAsWell() {
        Struct row = after(Value.of(1), Value.beside("1".repeat(1_100_000)), Value.of("x"), null);
        equal(null, row.get("__text"));
        equal(1_100_000L, ((Struct) row.getMap("__cut").get("price")).get("bytes"));
    }

    void aValueThatDoesNotFitIsNamedAndTheRestArrives() {
        Struct row = after(Value.of(1), Value.of("no decimal"), Value.of("x"), null);
        equal("x", row.get("note"));
        equal(-1L, ((Struct) row.getMap("__cut").get("price")).get("bytes"));
    }

    void rowsSayWhatTheChangeWas() {
        Struct row = after(Value.of(1), null, null, null);
        equal(24L, row.get("__commit_order"));
        equal(Arrays.asList("false", "c", 42L, 7L, 3L, 5L), Stream.of("__deleted", "__op", "__lsn", "__txId", "__ts_us", "__source_ts_us")
                .map(row::get).toList());
    }

    void aRowOfASnapshotThatIsReadBesideTheStreamHasTheLsnOfItsOffset() {
        Struct source = new Struct(SOURCE).put("txId", 7L);
        Struct change = new Struct(ENVELOPE).put("after", row(Value.of(1), null, null, null)).put("source", source).put("op", "r");
        SourceRecord record = new SourceRecord(Map.of(), Map.of("lsn", 99L), "p.public.t", null, null, ENVELOPE, change);
        equal(99L, ((Struct) lossless().apply(record).value()).get("__lsn"));
    }

    void whatIsNoChangeOfARowPasses() {
        SourceRecord heartbeat = new SourceRecord(Map.of(), Map.of(), "h", null, null, Schema.INT64_SCHEMA, 1L);
        equal(heartbeat, lossless().apply(heartbeat));
        SourceRecord nothing = new SourceRecord(Map.of(), Map.of(), "h", null, null, null, null);
        equal(nothing, lossless().apply(nothing));
    }

    void whatIsForNoTopicIsDroppedAndCounted() throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = new ObjectName("io.cdcpipeline.connect:type=dropped,server=\"p\"");
        Known known = new Known();
        known.configure(Map.of("topics", "p.public.t,p.message", "server", "p"));
        equal("p.public.t", known.apply(of("p.public.t")).topic());
        for (String topic : List.of("p.public.other", "p.public.T", "p", "p.public.other")) {
            equal(null, known.apply(of(topic)));
        }
        equal(4L, server.getAttribute(name, "Records"));
        TabularData topics = (TabularData) server.getAttribute(name, "Topics");
        equal(2L, topics.get(new Object[] {"p.public.other"}).get("value"));
        for (int i = 0; i < 1000; i++) {
            equal(null, known.apply(of("p.x" + i)));
        }
        equal(1004L, server.getAttribute(name, "Records"));
        equal(101, ((TabularData) server.getAttribute(name, "Topics")).size());
        // The next task of the connector, while this one ends.
        Known next = new Known();
        next.configure(Map.of("topics", "p.public.t", "server", "p"));
        equal(0L, server.getAttribute(name, "Records"));
        next.close();
        known.close();
        equal(false, server.isRegistered(name));
    }

    void aMessageIsARowWithoutAKey() {
        Schema content = SchemaBuilder.struct().field("prefix", Schema.OPTIONAL_STRING_SCHEMA)
                .field("content", Schema.OPTIONAL_BYTES_SCHEMA).build();
        Schema schema = SchemaBuilder.struct().name("MessageValue").field("op", Schema.STRING_SCHEMA)
                .field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).field("source", SOURCE).field("message", content).build();
        Struct message = new Struct(content).put("prefix", "out,box").put("content", ByteBuffer.wrap(new byte[1_200_000]));
        Struct value = new Struct(schema).put("op", "m").put("ts_ms", 7L).put("message", message)
                .put("source", new Struct(SOURCE).put("lsn", 42L).put("sequence", "[\"24\",\"42\"]"));
        Messages messages = new Messages();
        messages.configure(Map.of("topic", "p.message"));
        SourceRecord record = new SourceRecord(Map.of(), Map.of(), "p.message", KEY, new Struct(KEY), schema, value);
        SourceRecord changed = lossless().apply(messages.apply(record));
        equal(null, changed.key());
        Struct row = (Struct) changed.value();
        equal("out,box", row.get("prefix"));
        equal(null, row.get("content"));
        equal(1_200_000L, ((Struct) row.getMap("__cut").get("content")).get("bytes"));
        equal(24L, row.get("__commit_order"));
        equal("m", row.get("__op"));
        equal(7_000L, row.get("__ts_us"));
        SourceRecord other = of("p.public.t");
        equal(other, messages.apply(other));
        Messages apart = new Messages();
        apart.configure(Map.of("topic", "p.message", "canary.prefix", "cdc-canary", "canary.topic", "canaries"));
        equal("p.message", apart.apply(record).topic());
        message.put("prefix", "cdc-canary").put("content", ByteBuffer.wrap(new byte[] {7}));
        SourceRecord canary = lossless().apply(apart.apply(record));
        equal("canaries", canary.topic());
        equal(0, canary.kafkaPartition());
        equal(null, canary.key());
        equal(ByteBuffer.wrap(new byte[] {7}), canary.value());
        equal(Schema.Type.BYTES, canary.valueSchema().type());
        equal("p.message", messages.apply(record).topic());
    }

    private static SourceRecord of(String topic) {
        return new SourceRecord(Map.of(), Map.of(), topic, Schema.STRING_SCHEMA, "x");
    }

    private static Lossless lossless() {
        Lossless lossless = new Lossless();
        lossless.configure(Map.of());
        return lossless;
    }

    private static Struct row(Value... values) {
        Struct row = new Struct(ROW);
        for (int i = 0; i < values.length; i++) {
            row.put(ROW.fields().get(i), values[i]);
        }
        return row;
    }

    private static Struct after(Value... values) {
        return (Struct) changed("c", null, row(values)).value();
    }

    private static SourceRecord changed(String operation, Struct before, Struct after) {
        Struct source = new Struct(SOURCE).put("lsn", 42L).put("sequence", "[\"24\",\"42\"]").put("txId", 7L)
                .put("ts_us", 5L);
        Struct change = new Struct(ENVELOPE).put("before", before).put("after", after).put("source", source).put("op", operation)
                .put("ts_us", 3L);
        Struct row = after == null ? before : after;
        Struct key = row == null ? null : new Struct(KEY).put("id", row.get("id"));
        return lossless().apply(new SourceRecord(Map.of(), Map.of(), "p.public.t", row == null ? null : KEY, key, ENVELOPE, change));
    }

    private static void equal(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }
}
