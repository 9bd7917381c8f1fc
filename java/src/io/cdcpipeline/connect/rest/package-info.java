/**
 * Who may use Kafka Connect's REST interface. {@link io.cdcpipeline.connect.rest.Access} is the extension that a worker names
 * in {@code rest.extension.classes}; {@link io.cdcpipeline.connect.rest.Logins} are the users that it knows.
 */
package io.cdcpipeline.connect.rest;
