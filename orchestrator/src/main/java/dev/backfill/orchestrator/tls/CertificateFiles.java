package dev.backfill.orchestrator.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A certificate and its key, as whoever renews certificates writes them: two files in PEM.
 *
 * @param certificate the certificate, and behind it those that vouch for it
 * @param key its private key, in PKCS #8 without a password
 */
public record CertificateFiles(Path certificate, Path key) {

    /** The password of the stores that are made here: they are in memory only, and Java wants one. */
    public static final String PASSWORD = "in memory";

    private static final Map<String, String> SIGNATURES =
            Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");
    private static final byte[] ANYTHING = {1, 2, 3};

    /**
     * Reads both.
     *
     * @return a store with one entry, by {@link #PASSWORD}
     * @throws UnusableFileException when one of them cannot be used, or they do not belong together
     */
    public KeyStore read() throws UnusableFileException {
        List<X509Certificate> chain = Pem.certificates(certificate);
        PrivateKey secret = Pem.key(key);
        if (!belongs(secret, chain.get(0))) {
            throw new UnusableFileException(key, "is not the key of the certificate in " + certificate);
        }
        try {
            KeyStore store = empty();
            store.setKeyEntry("server", secret, PASSWORD.toCharArray(), chain.toArray(X509Certificate[]::new));
            return store;
        } catch (KeyStoreException e) {
            throw new UnusableFileException(
                    certificate, "must hold the certificate first, and each behind the one that it vouches for");
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * What tells whether the files are still those that were read.
     *
     * @return empty while one of them cannot be looked at
     */
    public Optional<String> stamp() {
        try {
            return Optional.of(Files.getLastModifiedTime(certificate) + " " + Files.size(certificate) + " "
                    + Files.getLastModifiedTime(key) + " " + Files.size(key));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * What trusts those whom the certificates of a file vouch for, and nobody else.
     *
     * @param authorities certificates in PEM
     * @return for connections to such a server
     * @throws UnusableFileException when the file cannot be used
     */
    public static SSLContext trusting(Path authorities) throws UnusableFileException {
        List<X509Certificate> certificates = Pem.certificates(authorities);
        try {
            KeyStore store = empty();
            for (int i = 0; i < certificates.size(); i++) {
                store.setCertificateEntry("authority" + i, certificates.get(i));
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static boolean belongs(PrivateKey key, X509Certificate certificate) {
        try {
            Signature signature = Signature.getInstance(SIGNATURES.getOrDefault(key.getAlgorithm(), ""));
            signature.initSign(key);
            signature.update(ANYTHING);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(ANYTHING);
            return signature.verify(signed);
        } catch (InvalidKeyException | SignatureException e) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
