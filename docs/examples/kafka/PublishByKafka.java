import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Publishes that somebody has moved in, to a publisher's own topic: one event as it should be, and one with a mistake,
 * to see what Hem says of it.
 *
 * <p>Needs org.apache.kafka:kafka-clients and io.cloudevents:cloudevents-kafka. With their jars in lib/ and a JDK:
 * {@code java -cp 'lib/*' PublishByKafka.java localhost:9092 inbound.housing urn:example:housing}
 */
public final class PublishByKafka {
  public static void main(String[] arguments) throws Exception {
    String servers = arguments[0];
    String topic = arguments[1];
    URI source = URI.create(arguments[2]);
    // Kafka's client is idempotent and waits for all replicas by default: leave it so.
    Map<String, Object> settings = Map.of(
        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers,
        ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class,
        ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, CloudEventSerializer.class);
    try (KafkaProducer<String, CloudEvent> producer = new KafkaProducer<>(settings)) {
      for (CloudEvent event : List.of(movedIn(source, "2026-11-01"), movedIn(source, "last week"))) {
        // The key is the subject: what is about one tenancy is then read in the order it was written.
        var place = producer.send(new ProducerRecord<>(topic, event.getSubject(), event)).get();
        System.out.println(event.getId() + " is record " + place.partition() + "/" + place.offset());
      }
    }
  }

  private static CloudEvent movedIn(URI source, String day) {
    String tenancy = "t-" + UUID.randomUUID();
    String data = """
        {"tenancy_id": "%s", "tenant_ref": "%s", "area_id": "oxnehaga", "moved_in_on": "%s", "contact_rule": "any"}
        """.formatted(tenancy, UUID.randomUUID(), day);
    return CloudEventBuilder.v1()
        .withId(UUID.randomUUID().toString())
        .withSource(source)
        .withType("se.vatterhem.TenantMovedIn.v1")
        .withSubject(tenancy)
        .withTime(OffsetDateTime.now())
        .withData("application/json", data.getBytes(StandardCharsets.UTF_8))
        .build();
  }
}
