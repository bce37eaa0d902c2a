package dev.backfill.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A certificate of its own authority for the loopback interface, made by the JDK's {@code keytool}. */
public final class TestCertificate {

    private static final char[] PASSWORD = "changeit".toCharArray();
    private static final String ALIAS = "server";

    /** It takes a while, and one is as good as another of its kind. */
    private static final Map<String, TestCertificate> MADE = new HashMap<>();

    private final KeyStore store;

    private TestCertificate(KeyStore store) {
        this.store = store;
    }

    /**
     * Makes one.
     *
     * @param name of its subject
     * @param algorithm of its key: RSA, EC or Ed25519
     * @param directory for what it needs meanwhile
     */
    public static synchronized TestCertificate make(String name, String algorithm, Path directory) throws Exception {
        String wanted = name + " " + algorithm;
        TestCertificate made = MADE.get(wanted);
        if (made == null) {
            made = makeAnew(name, algorithm, directory);
            MADE.put(wanted, made);
        }
        return made;
    }

    private static TestCertificate makeAnew(String name, String algorithm, Path directory) throws Exception {
        Path file = directory.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        ALIAS,
                        "-keyalg",
                        algorithm,
                        "-dname",
                        "CN=" + name,
                        "-ext",
                        "san=dns:localhost,ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        new String(PASSWORD),
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(keytool.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(keytool.exitValue()).as(said).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        return new TestCertificate(store);
    }

    /** Writes the certificate in PEM. */
    public void writeCertificate(Path file) throws GeneralSecurityException, IOException {
        write(file, "CERTIFICATE", store.getCertificate(ALIAS).getEncoded());
    }

    /** Writes the key in PEM. */
    public void writeKey(Path file) throws GeneralSecurityException, IOException {
        write(file, "PRIVATE KEY", store.getKey(ALIAS, PASSWORD).getEncoded());
    }

    private static void write(Path file, String what, byte[] encoded) throws IOException {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded);
        Files.writeString(file, "-----BEGIN " + what + "-----\n" + base64 + "\n-----END " + what + "-----\n");
    }
}
