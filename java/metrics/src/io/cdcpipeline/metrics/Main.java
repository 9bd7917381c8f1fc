package io.cdcpipeline.metrics;

import io.prometheus.jmx.JmxCollector;
import io.prometheus.jmx.common.http.HTTPServerFactory;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.util.Arrays;

/**
 * Runs a program with Prometheus' JMX exporter beside it: {@code Main HOST PORT FILE PROGRAM ARGUMENT...}
 *
 * <p>The exporter is made to be an agent ({@code -javaagent}). With any agent, though, Java refuses its caches of classes that are
 * linked already, by which brokers and workers start fast. And an agent that fails ends its program, as metrics should not.
 */
public final class Main {
    private static final int OWN = 4;

    private Main() {
    }

    public static void main(String[] arguments) throws Throwable {
        if (arguments.length < OWN) {
            throw new IllegalArgumentException("Main HOST PORT FILE PROGRAM ARGUMENT... is expected");
        }
        Thread serving = new Thread(() -> serve(arguments[0], Integer.parseInt(arguments[1]), new File(arguments[2])), "metrics");
        serving.setDaemon(true);
        serving.start();
        try {
            Class.forName(arguments[OWN - 1]).getMethod("main", String[].class)
                    .invoke(null, (Object) Arrays.copyOfRange(arguments, OWN, arguments.length));
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }

    /** What is served stays served by threads of its own. */
    private static void serve(String host, int port, File settings) {
        try {
            PrometheusRegistry registry = PrometheusRegistry.defaultRegistry;
            JvmMetrics.builder().register(registry);
            new JmxCollector(settings, JmxCollector.Mode.AGENT).register(registry);
            new HTTPServerFactory().createHTTPServer(InetAddress.getByName(host), port, registry, settings);
        } catch (Throwable error) {
            System.err.println("There are no metrics on " + host + ":" + port + " by " + settings + ": " + error);
        }
    }
}
