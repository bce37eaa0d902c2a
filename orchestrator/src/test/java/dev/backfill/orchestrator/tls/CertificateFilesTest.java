package dev.backfill.orchestrator.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.testing.TestCertificate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.KeyStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CertificateFilesTest {

    @TempDir
    private Path directory;

    private Path certificate;
    private Path key;
    private CertificateFiles files;

    @BeforeEach
    void name() {
        certificate = directory.resolve("cert.pem");
        key = directory.resolve("key.pem");
        files = new CertificateFiles(certificate, key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC", "Ed25519"})
    void keys_of_every_usual_kind_are_read(String algorithm) throws Exception {
        make("one", algorithm);

        KeyStore store = files.read();

        assertThat(store.size()).isOne();
        assertThat(store.getKey("server", CertificateFiles.PASSWORD.toCharArray()))
                .isNotNull();
        assertThat(store.getCertificateChain("server")).hasSize(1);
    }

    @Test
    void a_certificate_that_vouches_for_none_before_it_is_refused() throws Exception {
        make("one", "EC");
        Path other = directory.resolve("other.pem");
        TestCertificate.make("two", "RSA", directory).writeCertificate(other);
        Files.writeString(certificate, Files.readString(certificate) + "\n" + Files.readString(other));

        assertThatThrownBy(files::read)
                .isInstanceOf(UnusableFileException.class)
                .hasMessageContaining("must hold the certificate first, and each behind the one that it vouches for");
    }

    @ParameterizedTest
    @CsvSource({"EC, EC", "EC, RSA", "RSA, Ed25519", "RSA, RSA"})
    void a_key_of_another_certificate_is_refused(String one, String other) throws Exception {
        make("one", one);
        TestCertificate.make("two", other, directory).writeKey(key);

        assertThatThrownBy(files::read)
                .isInstanceOf(UnusableFileException.class)
                .hasMessage(key + " is not the key of the certificate in " + certificate);
    }

    @Test
    void files_that_are_not_there_are_named() throws Exception {
        assertThatThrownBy(files::read).hasMessage(certificate + " is not there");
        make("one", "EC");
        Files.delete(key);
        assertThatThrownBy(files::read).hasMessage(key + " is not there");
        assertThat(files.stamp()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "'', holds no private key",
        "nothing, holds no private key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----AAAA-----END ENCRYPTED PRIVATE KEY-----, openssl pkcs8 -in OLD -out NEW",
        "-----BEGIN RSA PRIVATE KEY-----AAAA-----END RSA PRIVATE KEY-----, openssl pkcs8 -topk8 -nocrypt",
        "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----, holds no key of a known kind",
        "-----BEGIN PRIVATE KEY-----A-----END PRIVATE KEY-----, cut or damaged"
    })
    void a_key_that_cannot_be_used_is_said_with_what_to_do(String text, String said) throws Exception {
        make("one", "EC");
        Files.writeString(key, text);

        assertThatThrownBy(files::read)
                .isInstanceOf(UnusableFileException.class)
                .hasMessageStartingWith(key + " holds")
                .hasMessageContaining(said)
                .hasMessageNotContaining("AAAA");
    }

    @Test
    void a_certificate_that_is_none_is_refused() throws Exception {
        make("one", "EC");
        for (String text :
                new String[] {"", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
            Files.writeString(certificate, text);
            assertThatThrownBy(files::read)
                    .isInstanceOf(UnusableFileException.class)
                    .hasMessageStartingWith(certificate + " holds no certificate");
        }
    }

    @Test
    void a_change_of_either_file_shows() throws Exception {
        make("one", "EC");
        var before = files.stamp();
        assertThat(files.stamp()).isPresent().isEqualTo(before);

        Files.setLastModifiedTime(key, FileTime.fromMillis(1));

        assertThat(files.stamp()).isPresent().isNotEqualTo(before);
    }

    private void make(String name, String algorithm) throws Exception {
        TestCertificate made = TestCertificate.make(name, algorithm, directory);
        made.writeCertificate(certificate);
        made.writeKey(key);
    }
}
