package io.cdcpipeline.connect;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** Prints what keeps the second schema from reading what the first one wrote, as the registry's rule BACKWARD judges. */
public final class Compatibility {
    public static void main(String[] arguments) throws Exception {
        Schema writer = new Schema.Parser().parse(Files.readString(Path.of(arguments[0])));
        Schema reader = new Schema.Parser().parse(Files.readString(Path.of(arguments[1])));
        SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities()
                .forEach(problem -> System.out.println(problem.getLocation() + ": " + problem.getMessage()));
    }
}
