package io.cdcpipeline.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Makes a logical message (pg_logical_emit_message) a change with a row of two columns, prefix and content, so that all that
 * follows treats it as a row of a table without a key. Its operation is {@code m}. It stands before {@link Lossless}.
 *
 * <p>Messages by which the pipeline measures itself, the canary's, go to a topic of their own, as their content alone.
 */
public final class Messages implements Transformation<SourceRecord>, Versioned {
    private static final String TOPIC = "topic";
    private static final String CANARY_PREFIX = "canary.prefix";
    private static final String CANARY_TOPIC = "canary.topic";
    private static final ConfigDef CONFIG = new ConfigDef()
            .define(TOPIC, ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.Importance.HIGH, "The topic of messages.")
            .define(CANARY_PREFIX, ConfigDef.Type.STRING, "", ConfigDef.Importance.LOW, "The prefix of the canary's messages.")
            .define(CANARY_TOPIC, ConfigDef.Type.STRING, "", ConfigDef.Importance.LOW, "Their topic; empty for that of messages.");

    private String topic;
    private String canaryPrefix;
    private String canaryTopic;
    private Schema from;
    private Schema row;
    private Schema envelope;

    @Override
    public void configure(Map<String, ?> settings) {
        Map<String, Object> parsed = CONFIG.parse(settings);
        topic = (String) parsed.get(TOPIC);
        canaryPrefix = (String) parsed.get(CANARY_PREFIX);
        canaryTopic = (String) parsed.get(CANARY_TOPIC);
    }

    @Override
    public ConfigDef config() {
        return CONFIG;
    }

    @Override
    public String version() {
        return "1";
    }

    @Override
    public void close() {
        from = null;
    }

    @Override
    public SourceRecord apply(SourceRecord record) {
        if (!record.topic().equals(topic) || !(record.value() instanceof Struct event) || event.schema().field("message") == null) {
            return record;
        }
        Struct message = event.getStruct("message");
        if (!canaryTopic.isEmpty() && canaryPrefix.equals(message.get("prefix"))) {
            // One partition, so that it is read by one look.
            return record.newRecord(canaryTopic, 0, null, null, Schema.OPTIONAL_BYTES_SCHEMA, message.get("content"),
                    record.timestamp(), record.headers());
        }
        declare(event.schema());
        Struct found = new Struct(row).put("prefix", Value.of(message.get("prefix"))).put("content", Value.of(message.get("content")));
        Object milliseconds = event.get("ts_ms");
        Struct change = new Struct(envelope).put("after", found).put("source", event.get("source")).put("op", event.get("op"))
                .put("ts_us", milliseconds instanceof Long number ? (Long) (number * 1000) : null);
        // Two messages of one prefix are two rows, so that there is no key.
        return record.newRecord(topic, record.kafkaPartition(), null, null, envelope, change, record.timestamp(), record.headers());
    }

    private void declare(Schema schema) {
        if (from == schema) {
            return;
        }
        from = schema;
        row = SchemaBuilder.struct().name(topic + ".Value").optional()
                .field("prefix", Value.schema(Schema.OPTIONAL_STRING_SCHEMA, false).build())
                .field("content", Value.schema(Schema.OPTIONAL_BYTES_SCHEMA, false).build()).build();
        envelope = SchemaBuilder.struct().name(topic + ".Envelope").field("before", row).field("after", row)
                .field("source", schema.field("source").schema()).field("op", Schema.STRING_SCHEMA)
                .field("ts_us", Schema.OPTIONAL_INT64_SCHEMA).build();
    }
}
