package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.cli.Commands;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.testing.TestCertificate;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.tls.CertificateFiles;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admin API over TLS. */
class TlsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration LONGER_THAN_A_LOOK = Duration.ofSeconds(3);

    @TempDir
    private Path directory;

    private TestCertificate first;
    private TestCertificate second;
    private Path certificate;
    private Path key;
    private AdminServer server;

    @BeforeEach
    void start() throws Exception {
        first = TestCertificate.make("first", "EC", directory);
        second = TestCertificate.make("second", "RSA", directory);
        certificate = directory.resolve("cert.pem");
        key = directory.resolve("key.pem");
        first.writeCertificate(certificate);
        first.writeKey(key);
        Sites none = new Sites(List.of());
        server = new AdminServer(
                new DaemonSettings.Admin(
                        "127.0.0.1",
                        0,
                        List.of(),
                        Admission.EVERYBODY,
                        Optional.of(new CertificateFiles(certificate, key))),
                new AdminServer.Realm(none, new Registrar(none, (dispatcher, job) -> {}), AdminFixture.files()),
                new Probes(() -> "", Optional::empty),
                Timing.system());
        server.start();
    }

    @AfterEach
    void end() {
        server.close();
    }

    @Test
    void it_answers_who_trusts_its_certificate() throws Exception {
        assertThat(ask(client(first))).isEqualTo(200);
        assertThatThrownBy(() -> ask(client(second))).isInstanceOf(SSLHandshakeException.class);
        assertThatThrownBy(() -> ask(HttpClient.newHttpClient())).isInstanceOf(SSLHandshakeException.class);
        assertThatThrownBy(() -> HttpClient.newHttpClient().send(request("http"), BodyHandlers.ofString()))
                .as("without TLS")
                .isInstanceOf(IOException.class);
    }

    @Test
    void what_could_not_be_used_is_tried_again_though_the_files_look_the_same() throws Exception {
        TestCertificate third = TestCertificate.make("third", "EC", directory);
        third.writeCertificate(certificate);
        await().during(LONGER_THAN_A_LOOK).atMost(PATIENCE).until(() -> ask(client(first)) == 200);
        FileTime modified = Files.getLastModifiedTime(key);
        long size = Files.size(key);

        third.writeKey(key);
        Files.setLastModifiedTime(key, modified);

        assertThat(Files.size(key)).isEqualTo(size);
        await().atMost(PATIENCE).ignoreException(SSLHandshakeException.class).until(() -> ask(client(third)) == 200);
    }

    @Test
    void commands_trust_whom_they_are_told_to() throws Exception {
        Path other = directory.resolve("other.pem");
        second.writeCertificate(other);
        String url = "https://127.0.0.1:" + server.port();

        assertThat(Commands.execute("list", "--server", url, "--ca-file", certificate.toString()))
                .isZero();
        assertThat(Commands.execute("list", "--server", url, "--ca-file", other.toString()))
                .isEqualTo(4);
        assertThat(Commands.execute("list", "--server", url)).isEqualTo(4);
        assertThat(Commands.execute("list", "--server", url, "--ca-file", key.toString()))
                .as("no certificate")
                .isEqualTo(2);
    }

    @Test
    void a_renewed_certificate_is_served_and_one_that_does_not_fit_is_not() throws Exception {
        assertThat(ask(client(first))).isEqualTo(200);

        second.writeCertificate(certificate);
        await().during(LONGER_THAN_A_LOOK).atMost(PATIENCE).until(() -> ask(client(first)) == 200);
        second.writeKey(key);

        await().atMost(PATIENCE).ignoreException(SSLHandshakeException.class).until(() -> ask(client(second)) == 200);
        assertThatThrownBy(() -> ask(client(first))).isInstanceOf(SSLHandshakeException.class);
    }

    private HttpClient client(TestCertificate trusted) throws Exception {
        Path file = directory.resolve("trusted.pem");
        trusted.writeCertificate(file);
        try {
            return HttpClient.newBuilder()
                    .sslContext(CertificateFiles.trusting(file))
                    .build();
        } finally {
            Files.delete(file);
        }
    }

    private int ask(HttpClient client) throws IOException, InterruptedException {
        return client.send(request("https"), BodyHandlers.ofString()).statusCode();
    }

    private HttpRequest request(String scheme) {
        return HttpRequest.newBuilder(URI.create(scheme + "://127.0.0.1:" + server.port() + "/health/live"))
                .timeout(PATIENCE)
                .build();
    }
}
