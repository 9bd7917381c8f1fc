package io.cdcpipeline.connect;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.StandardMBean;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops what is for no topic of the pipeline, for which the producer would wait without an end, and counts it. The first
 * record of each topic is a warning in the log; the numbers are in the MBean
 * {@code io.cdcpipeline.connect:type=dropped,server=...}.
 */
public final class Known implements Transformation<SourceRecord>, Versioned {
    private static final String TOPICS = "topics";
    private static final String SERVER = "server";
    private static final ConfigDef CONFIG = new ConfigDef()
            .define(TOPICS, ConfigDef.Type.LIST, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.Importance.HIGH,
                    "Topics that there are. A record for another one is dropped.")
            .define(SERVER, ConfigDef.Type.STRING, "", ConfigDef.Importance.LOW,
                    "The connector's topic.prefix, by which its numbers are found.");
    /** A topic is a name that somebody chose; the others are counted together. */
    private static final int MOST_TOPICS = 100;
    private static final String OTHERS = "(others)";
    private static final Logger LOG = LoggerFactory.getLogger(Known.class);

    private final Map<String, LongAdder> dropped = new ConcurrentHashMap<>();
    private Set<String> topics = Set.of();
    private ObjectName name;

    /** The numbers. */
    public interface Dropped {
        /** How many records were dropped since the task started. */
        long getRecords();

        /** The same for each topic; those of many topics are together. */
        Map<String, Long> getTopics();
    }

    private final class Numbers implements Dropped {
        @Override
        public long getRecords() {
            return dropped.values().stream().mapToLong(LongAdder::sum).sum();
        }

        @Override
        public Map<String, Long> getTopics() {
            return dropped.entrySet().stream().collect(
                    Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().sum(), Long::sum, TreeMap::new));
        }
    }

    @Override
    public void configure(Map<String, ?> settings) {
        Map<String, Object> parsed = CONFIG.parse(settings);
        topics = ((List<?>) parsed.get(TOPICS)).stream().map(Object::toString).collect(Collectors.toUnmodifiableSet());
        try {
            name = new ObjectName("io.cdcpipeline.connect:type=dropped,server=" + ObjectName.quote((String) parsed.get(SERVER)));
            var server = ManagementFactory.getPlatformMBeanServer();
            // Of a task that is about to end.
            if (server.isRegistered(name)) {
                server.unregisterMBean(name);
            }
            server.registerMBean(new StandardMBean(new Numbers(), Dropped.class, true), name);
        } catch (JMException error) {
            LOG.warn("The number of dropped records is in the log alone", error);
            name = null;
        }
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
        if (name == null) {
            return;
        }
        try {
            ManagementFactory.getPlatformMBeanServer().unregisterMBean(name);
        } catch (JMException error) {
            LOG.debug("The next task has taken it over", error);
        }
        name = null;
    }

    @Override
    public SourceRecord apply(SourceRecord record) {
        if (topics.contains(record.topic())) {
            return record;
        }
        String counted = dropped.size() < MOST_TOPICS || dropped.containsKey(record.topic()) ? record.topic() : OTHERS;
        LongAdder count = dropped.computeIfAbsent(counted, topic -> new LongAdder());
        if (count.sum() == 0) {
            LOG.warn("Records for the topic {} are dropped and counted, since it is none of the pipeline's", record.topic());
        }
        count.increment();
        return null;
    }
}
